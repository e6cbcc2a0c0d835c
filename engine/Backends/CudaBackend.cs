using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>A GPU: memory and transfers here, and each operation in its own folder.</summary>
internal sealed unsafe partial class CudaBackend : Backend
{
    private readonly CudaContext _context;
    private readonly Lock _families = new();

    /// <param name="context">The device.</param>
    public CudaBackend(CudaContext context)
    {
        _context = context;
        Pool = new CudaMemoryPool(context);
    }

    public override MemoryPool Pool { get; }

    /// <summary>The device.</summary>
    public CudaContext Context => _context;

    /// <summary>What decides how it rounds: the device with its libraries, and who multiplies matrices.</summary>
    public IReadOnlyList<string> Identity => [_context.Identity, Gemm.CublasVersion is { } version ? $"cuBLAS {version}" : "no cuBLAS"];

    public override void Synchronize() => _context.Stream.Synchronize();

    public override void CopyFromHost(ReadOnlySpan<byte> source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        _context.Upload(source, destination.Pointer);
    }

    public override void CopyToHost(Tensor source, Span<byte> destination)
    {
        using var call = KernelCall.Begin();
        _context.Download(source.Pointer, destination);
    }

    /// <summary>A family of kernels or a library, made by the first thread that needs it.</summary>
    private T Once<T>(ref T? family, Func<CudaBackend, T> make)
        where T : class
    {
        if (Volatile.Read(ref family) is { } made)
            return made;
        lock (_families)
        {
            family ??= make(this);
            return family;
        }
    }

    // The second row of statistics that an operation keeps for itself, [2, n]; a user's own have one row.
    private static nint Rest(Tensor statistics) =>
        statistics.Shape.Rank == 2 ? statistics.Pointer + ((nint)statistics.Shape[1] * statistics.DType.Size()) : 0;

    private static nint Optional(Tensor? x) => x?.Pointer ?? 0;

    private static Broadcast Merged(Shape shape, Strides first, Strides second)
    {
        var rank = shape.Rank;
        Span<long> extents = stackalloc long[Shape.MaxRank], a = stackalloc long[Shape.MaxRank], b = stackalloc long[Shape.MaxRank];
        for (var k = 0; k < rank; k++)
            extents[k] = shape[k];
        first.CopyTo(a, rank);
        second.CopyTo(b, rank);
        return Broadcast.Of(extents[..rank], a[..rank], b[..rank]);
    }

    private static DType FloatType(Tensor x, string operation) => x.DType.IsFloat()
        ? x.DType
        : throw new DTypeException($"{operation}: got {x.DType} {x.Shape}, wants F32, BF16 or F64; convert it with To()");

    // For operations whose parameters and statistics have the type of their input, so that bfloat16 would lose them.
    private static DType WideType(Tensor x, string operation) => x.DType == DType.BF16
        ? throw new DTypeException($"{operation}: got {x.DType} {x.Shape}, whose statistics would be BF16 too; wants F32 or F64, convert it with To()")
        : FloatType(x, operation);
}

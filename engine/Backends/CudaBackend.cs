using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Engine;

/// <summary>A GPU: memory and transfers, and in the other parts of this class the operations by family.</summary>
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
}

using EscNative.Kernels;

namespace EscNative.Engine;

/// <summary>The CPU: memory here, and each operation in its own folder.</summary>
internal sealed unsafe partial class CpuBackend : Backend
{
    public override MemoryPool Pool { get; } = new CpuMemoryPool();

    public override void Synchronize()
    {
        // Every member returns with its work done.
    }

    public override void CopyFromHost(ReadOnlySpan<byte> source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        source.CopyTo(new Span<byte>((void*)destination.Pointer, source.Length));
    }

    public override void CopyToHost(Tensor source, Span<byte> destination)
    {
        using var call = KernelCall.Begin();
        new ReadOnlySpan<byte>((void*)source.Pointer, destination.Length).CopyTo(destination);
    }

    // The second row of statistics that an operation keeps for itself, [2, n]; a user's own have one row.
    private static T* Rest<T>(Tensor statistics)
        where T : unmanaged => statistics.Shape.Rank == 2 ? statistics.PointerTo<T>() + statistics.Shape[1] : null;

    private static T* Optional<T>(Tensor? x)
        where T : unmanaged => x is null ? null : x.PointerTo<T>();

    private static void Dims(Shape shape, Span<long> dims)
    {
        for (var i = 0; i < shape.Rank; i++)
            dims[i] = shape[i];
    }
}

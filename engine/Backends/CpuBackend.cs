using EscNative.Kernels;

namespace EscNative.Engine;

/// <summary>The CPU: memory, and in the other parts of this class the operations by family.</summary>
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
}

namespace EscNative.Engine;

/// <summary>What a device must be able to do with tensors: its memory here, and in the folder of each operation what that needs. Two
/// sealed classes implement it, one for each kind of device.</summary>
/// <remarks>
/// Operations check shapes and types once; a backend member trusts them. Every tensor is contiguous and of one floating type
/// unless said otherwise, results are allocated by the caller and overwritten whole unless a member adds.
/// </remarks>
internal abstract partial class Backend
{
    public abstract MemoryPool Pool { get; }

    public abstract void Synchronize();

    /// <summary>Copies host bytes to a contiguous tensor of any type.</summary>
    public abstract void CopyFromHost(ReadOnlySpan<byte> source, Tensor destination);

    /// <summary>Copies a contiguous tensor of any type to the host and waits.</summary>
    public abstract void CopyToHost(Tensor source, Span<byte> destination);
}

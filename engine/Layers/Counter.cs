namespace EscNative.Engine.Layers;

/// <summary>A whole number of a module that is saved but not trained: PyTorch's buffers of one integer, such as num_batches_tracked.</summary>
/// <remarks>It lives on the host, on every device: nothing that is computed depends on it.</remarks>
public sealed class Counter
{
    /// <summary>The number.</summary>
    public long Value { get; set; }
}

using EscNative.Engine;

namespace EscNative.Models;

/// <summary>The features of some images of a <see cref="FeaturePass"/>, for as long as a consumer looks at them.</summary>
public readonly ref struct FeatureBatch
{
    /// <summary>The images' positions in their set, [count].</summary>
    public required ReadOnlySpan<int> Indices { get; init; }

    /// <summary>How many images of the pass came before.</summary>
    public required int First { get; init; }

    /// <summary>How many images these are.</summary>
    public int Count => Indices.Length;

    /// <summary>[count, d] on the host; empty for a consumer that takes tensors.</summary>
    public ReadOnlySpan<float> Features { get; init; }

    /// <summary>[count, classes] on the host; empty for a consumer that takes tensors or no class scores.</summary>
    public ReadOnlySpan<float> Logits { get; init; }

    /// <summary>[count, d], F32, contiguous, on the model's device; null for a consumer that takes host memory.</summary>
    public Tensor? FeatureTensor { get; init; }

    /// <summary>[count, classes], likewise; null also for a consumer that takes no class scores.</summary>
    public Tensor? LogitTensor { get; init; }
}

using EscNative.Engine;

namespace EscNative.Models;

/// <summary>Takes the features of a <see cref="FeaturePass"/> as they come: a sum over them, the rows, a score of each.</summary>
public interface IFeatureConsumer
{
    /// <summary>The stage under which a <see cref="StageRecorder"/> sees its work; null for none.</summary>
    string? Stage => null;

    /// <summary>Whether it takes features as tensors on the model's device, where they then stay; else in host memory.</summary>
    bool TakesTensors => false;

    /// <summary>Whether it wants class scores as well.</summary>
    bool TakesLogits => false;

    /// <summary>Where it wants the features of the next images, so that they are not copied. Empty: in memory of the pass, which holds them
    /// until <see cref="Add"/> returns.</summary>
    /// <param name="count">How many images.</param>
    /// <returns>[count, d] on the host, or empty.</returns>
    Span<float> FeatureSpan(int count) => default;

    /// <summary>The same of the class scores.</summary>
    /// <param name="count">How many images.</param>
    /// <returns>[count, classes] on the host, or empty.</returns>
    Span<float> LogitSpan(int count) => default;

    /// <summary>Takes the features of the next images; in the order of the pass.</summary>
    /// <param name="batch">They are valid until this returns.</param>
    void Add(in FeatureBatch batch);
}

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

using EscNative.Engine;
using EscNative.Engine.Plans;

namespace EscNative.Models;

/// <summary>A classifier compiled for inference: images to features, erased where the model is, and class scores.</summary>
/// <remarks>
/// It is a copy: what happens to the model afterwards (training, a further erasure) does not reach it. Any number of threads may
/// use it at once, and each gets the bits that one alone would get. Like the model it gives no raw feature of an erased model.
/// </remarks>
public sealed class CompiledExtractor : IDisposable
{
    private CompiledExtractor(InferencePlan plan) => Plan = plan;

    /// <summary>The steps, and what they cost. The outputs are the features and the class scores.</summary>
    public InferencePlan Plan { get; }

    /// <summary>d, the number of features.</summary>
    public int FeatureWidth => (int)Plan.OutputShapes[0].Count;

    /// <summary>How many classes there are.</summary>
    public int Classes => (int)Plan.OutputShapes[1].Count;

    /// <summary>Compiles a model, as it computes in evaluation mode, for images of bytes or of normalised floats.</summary>
    /// <param name="model">The model.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="options">How, or null for the defaults; the byte table is always that of the model's normalisation.</param>
    /// <exception cref="ShapeException">The model cannot take such images.</exception>
    public static CompiledExtractor Compile(Classifier model, int height, int width, PlanOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options = (options ?? new PlanOptions()) with { ByteTable = model.Description.Normalisation.Table(model.Description.Channels) };
        var (builder, features, logits) = Lower(model, height, width);
        return new CompiledExtractor(builder.Compile(model.Device, options, features, logits));
    }

    /// <summary>The steps that a model would be compiled to, and what they cost; the head comes last.</summary>
    /// <param name="model">The model.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <exception cref="ShapeException">The model cannot take such images.</exception>
    public static IReadOnlyList<PlanStepInfo> Describe(Classifier model, int height, int width)
    {
        var (builder, features, logits) = Lower(model, height, width);
        return builder.Describe(features, logits);
    }

    /// <summary>The features of images as bytes.</summary>
    /// <param name="images">[n, h, w, c], contiguous.</param>
    /// <param name="features">Receives [n, d].</param>
    /// <exception cref="ShapeException">The lengths belong to no whole number of images, or to different ones.</exception>
    public void Features(ReadOnlySpan<byte> images, Span<float> features) => Plan.Run(images, features);

    /// <summary>The features of normalised images.</summary>
    /// <inheritdoc cref="Features(ReadOnlySpan{byte}, Span{float})"/>
    public void Features(ReadOnlySpan<float> images, Span<float> features) => Plan.Run(images, features);

    /// <summary>Features and class scores of images as bytes.</summary>
    /// <param name="images">[n, h, w, c], contiguous.</param>
    /// <param name="features">Receives [n, d].</param>
    /// <param name="logits">Receives [n, classes].</param>
    /// <exception cref="ShapeException">The lengths belong to no whole number of images, or to different ones.</exception>
    public void Run(ReadOnlySpan<byte> images, Span<float> features, Span<float> logits) => Plan.Run(images, features, logits);

    /// <summary>Features and class scores of normalised images.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{byte}, Span{float}, Span{float})"/>
    public void Run(ReadOnlySpan<float> images, Span<float> features, Span<float> logits) => Plan.Run(images, features, logits);

    /// <summary>Frees weights and working memory. No call may be under way.</summary>
    public void Dispose() => Plan.Dispose();

    private static (PlanBuilder Builder, PlanValue Features, PlanValue Logits) Lower(Classifier model, int height, int width)
    {
        ArgumentNullException.ThrowIfNull(model);
        var builder = new PlanBuilder(model, (height, width, model.Description.Channels));
        var features = model.LowerFeatures(builder, builder.Input);
        return (builder, features, model.Head.Lower(builder, features));
    }
}

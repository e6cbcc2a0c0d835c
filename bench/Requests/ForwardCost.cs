using EscNative.Engine.Layers;
using EscNative.Models;

namespace EscNative.Bench.Requests;

/// <summary>What a forward pass up to the features costs, from the shapes of the convolutions, which form a chain in every
/// network of this version.</summary>
/// <param name="FlopsPerImage">A multiply-add is two. Normalisation and activation are not counted.</param>
/// <param name="BytesPerImage">Every convolution reads its input and writes its output once, in float32.</param>
/// <param name="WeightBytes">All weights once.</param>
internal readonly record struct ForwardCost(double FlopsPerImage, double BytesPerImage, double WeightBytes)
{
    /// <summary>The cost for square images.</summary>
    public static ForwardCost Of(Classifier model, int imageSize)
    {
        double flops = 0, bytes = 0, weights = 0;
        var size = imageSize;
        foreach (var conv in model.NamedModules.Select(m => m.Module).OfType<Conv2d>())
        {
            var shape = conv.Weight.Shape;
            double outChannels = shape[0], kernel = shape[1] * shape[2], inChannels = shape[3];
            var next = ((size + (2 * conv.Padding) - shape[1]) / conv.Stride) + 1;
            flops += 2.0 * next * next * outChannels * kernel * inChannels;
            bytes += sizeof(float) * (((double)size * size * inChannels) + ((double)next * next * outChannels));
            weights += sizeof(float) * (double)shape.Count;
            size = next;
        }

        return new ForwardCost(flops, bytes, weights);
    }
}

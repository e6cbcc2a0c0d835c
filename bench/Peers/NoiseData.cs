using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Peers;

/// <summary>Images of random pixels for networks of random weights: what a call costs does not depend on what they show.</summary>
internal static class NoiseData
{
    /// <summary>What the set is called.</summary>
    public const string Name = "random pixels";

    private const int Classes = 10;
    private const int Stream = 16;

    /// <summary>Images in the size that a network takes, as many of each class to train on as there are to test with.</summary>
    /// <param name="network">The network.</param>
    /// <param name="count">Images to test with, at the least.</param>
    /// <param name="seed">Where they come from.</param>
    /// <exception cref="UsageException">So many do not fit one array.</exception>
    public static DataSet Make(Hyperparameters network, int count, int seed)
    {
        var (height, width, channels) = Architectures.Get(network.Architecture).Input(network);
        count = Math.Max(count, Classes);
        var size = height * width * channels;
        if ((long)count * Classes * size > Array.MaxLength)
            throw new UsageException(FormattableString.Invariant($"--batch: got {count}, wants at most {Array.MaxLength / Classes / size} images of [{height}, {width}, {channels}]"));
        var random = new RandomSource((ulong)seed, Stream);
        return new DataSet(Name, Set("training", count * Classes), Set("test", count), Normalisation.Half);

        ImageSet Set(string part, int images)
        {
            var pixels = new byte[images * size];
            for (var i = 0; i < pixels.Length; i += sizeof(uint))
            {
                var bits = random.NextBits();
                for (var j = i; j < Math.Min(i + sizeof(uint), pixels.Length); j++, bits >>= 8)
                    pixels[j] = (byte)bits;
            }

            return new ImageSet($"{Name}, {part}", pixels, [.. Enumerable.Range(0, images).Select(i => i % Classes)], height, width, channels, [.. Enumerable.Range(0, Classes).Select(c => FormattableString.Invariant($"{c}"))]);
        }
    }
}

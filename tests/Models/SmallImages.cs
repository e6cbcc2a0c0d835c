using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Models;

/// <summary>Images that a small network learns in seconds: each class is a coloured stripe pattern under noise.</summary>
internal static class SmallImages
{
    public static readonly string[] Names = ["red", "green", "blue", "grey"];

    public static ImageSet Set(int count, ulong seed, string name = "stripes")
    {
        var random = new RandomSource(seed);
        var pixels = new byte[count * 32 * 32 * 3];
        var labels = new int[count];
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % Names.Length;
            for (var p = 0; p < 1024; p++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var signal = labels[i] == c || (labels[i] == 3 && p / 32 % 4 < 2) ? 140 : 60;
                    pixels[(((i * 1024) + p) * 3) + c] = (byte)(signal + random.NextInt(60));
                }
            }
        }

        return new ImageSet(name, pixels, labels, 32, 32, 3, Names);
    }

    /// <summary>Some images of a set, one after another.</summary>
    public static byte[] Bytes(ImageSet set, int first, int count)
    {
        var bytes = new byte[count * set.ImageSize];
        for (var i = 0; i < count; i++)
            set.Pixels(first + i).CopyTo(bytes.AsSpan(i * set.ImageSize));
        return bytes;
    }

    public static DataSet Data(int train = 96, int test = 32) =>
        new("stripes", Set(train, 1, "train"), Set(test, 2, "test"), Normalisation.Half);

    /// <summary>An All-CNN of an eighth of the width: d = 24.</summary>
    public static Classifier Model(ulong seed = 3) => Model(null, seed);

    /// <summary>The same on a device.</summary>
    public static Classifier Model(Device? device, ulong seed = 3) => Architectures.Create(
        new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.125), Channels = 3, ClassNames = Names, Normalisation = Normalisation.Half }, seed, device);
}

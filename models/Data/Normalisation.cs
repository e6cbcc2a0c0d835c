namespace EscNative.Models.Data;

/// <summary>How bytes become the network's input: (x / 255 - mean) / standard deviation, per channel.</summary>
public sealed class Normalisation
{
    private readonly float[] _mean;
    private readonly float[] _std;

    /// <summary>Makes a normalisation.</summary>
    /// <param name="name">Its name in records.</param>
    /// <param name="mean">Per channel, on the scale 0 to 1; one value serves every channel.</param>
    /// <param name="std">Standard deviations, per channel, on the scale 0 to 1, above 0; as many values as <paramref name="mean"/>.</param>
    /// <exception cref="ArgumentException">No value, numbers that disagree, or a standard deviation that is not positive.</exception>
    public Normalisation(string name, ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        if (mean.IsEmpty || mean.Length != std.Length)
            throw new ArgumentException($"normalisation '{name}': {mean.Length} means and {std.Length} standard deviations; as many of both wanted", nameof(std));
        for (var c = 0; c < mean.Length; c++)
        {
            if (!float.IsFinite(mean[c]) || !float.IsFinite(std[c]) || std[c] <= 0)
                throw new ArgumentException($"normalisation '{name}': channel {c} has mean {mean[c]} and standard deviation {std[c]}; finite values and a positive standard deviation wanted", nameof(std));
        }

        Name = name;
        _mean = mean.ToArray();
        _std = std.ToArray();
    }

    /// <summary>To -1 .. 1: (x / 255 - 0.5) / 0.5. The released ESC code's for CIFAR, and the default here.</summary>
    public static Normalisation Half { get; } = new("half", [0.5f], [0.5f]);

    /// <summary>CIFAR-10's own statistics, as ResNet recipes use them.</summary>
    public static Normalisation Cifar10 { get; } = new("cifar10", [0.4914f, 0.4822f, 0.4465f], [0.2470f, 0.2435f, 0.2616f]);

    /// <summary>ImageNet's statistics: Tiny-ImageNet, pre-trained networks.</summary>
    public static Normalisation ImageNet { get; } = new("imagenet", [0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>Lacuna-10's statistics.</summary>
    public static Normalisation Lacuna10 { get; } = new("lacuna10", [0.382f, 0.420f, 0.502f], [0.276f, 0.279f, 0.302f]);

    /// <summary>Its name in records.</summary>
    public string Name { get; }

    /// <summary>The normalisation of a name: half, cifar10, imagenet or lacuna10.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static Normalisation Parse(string name) => name switch
    {
        "half" => Half,
        "cifar10" => Cifar10,
        "imagenet" => ImageNet,
        "lacuna10" => Lacuna10,
        _ => throw new UsageException($"normalisation: got '{name}', wants half, cifar10, imagenet or lacuna10"),
    };

    /// <summary>For how many channels it has numbers; 1 serves any.</summary>
    internal int Channels => _mean.Length;

    /// <summary>The mean of a channel, on the scale 0 to 1.</summary>
    /// <param name="channel">The channel.</param>
    public float Mean(int channel) => _mean[_mean.Length == 1 ? 0 : channel];

    /// <summary>The standard deviation of a channel, on the scale 0 to 1.</summary>
    /// <param name="channel">The channel.</param>
    public float Std(int channel) => _std[_std.Length == 1 ? 0 : channel];

    /// <summary>The input value of every byte in every channel: [channels, 256].</summary>
    /// <remarks>Computed in float32 in torchvision's order (divide by 255, subtract, divide), so that inputs equal its bit for
    /// bit.</remarks>
    /// <param name="channels">The images' channels.</param>
    /// <exception cref="UsageException">This normalisation is for another number of channels.</exception>
    public float[] Table(int channels)
    {
        if (_mean.Length != 1 && _mean.Length != channels)
            throw new UsageException($"normalisation '{Name}' is for {_mean.Length} channels, the images have {channels}");
        var table = new float[channels * 256];
        for (var i = 0; i < table.Length; i++)
            table[i] = (((i & 255) / 255f) - Mean(i >> 8)) / Std(i >> 8);
        return table;
    }
}

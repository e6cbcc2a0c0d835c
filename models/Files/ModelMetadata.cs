using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>What a model is, as metadata of its file; of a file without it, what its tensors tell.</summary>
internal static class ModelMetadata
{
    public const string Prefix = "escnative.";
    private const string FormatVersion = "1";

    public static SortedDictionary<string, string> Describe(Classifier model, IReadOnlyDictionary<string, string>? notes)
    {
        var d = model.Description;
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Prefix + "format"] = FormatVersion,
            [Prefix + "architecture"] = d.Architecture,
            [Prefix + "channels"] = d.Channels.ToString(CultureInfo.InvariantCulture),
            [Prefix + "classes"] = string.Join('\n', d.ClassNames),
            [Prefix + "mean"] = Join(d.Channels, d.Normalisation.Mean),
            [Prefix + "std"] = Join(d.Channels, d.Normalisation.Std),
        };
        if (d.Transform is { } transform)
            metadata.Add(Prefix + "resize", transform.Name);
        foreach (var (name, value) in d.Hyperparameters.Values)
            metadata.Add(Prefix + name, value);
        foreach (var (key, value) in notes ?? new Dictionary<string, string>())
            metadata[$"{Prefix}note.{key}"] = value;
        ModelRecords.Write(model, metadata);
        return metadata;
    }

    /// <summary>Whether a file says itself what it holds.</summary>
    public static bool IsOurs(INamedArraySource file) => file.Metadata.ContainsKey(Prefix + "format");

    /// <exception cref="DataFormatException">The metadata is damaged.</exception>
    public static ModelDescription Read(INamedArraySource file)
    {
        var format = Required(file, "format");
        if (format != FormatVersion)
            throw new DataFormatException(file.Name, null, $"model format {format} is newer than this version reads ({FormatVersion}): use a newer EscNative");
        var channels = Number(file, "channels");
        if (channels is not (>= 1 and <= ModelDescription.MostChannels) || channels != Math.Floor(channels))
            throw Bad(file, "channels", $"a whole number from 1 to {ModelDescription.MostChannels}");
        return new ModelDescription
        {
            Hyperparameters = ReadHyperparameters(file),
            Channels = (int)channels,
            ClassNames = Required(file, "classes").Split('\n'),
            Normalisation = ReadNormalisation(file, (int)channels),
            Transform = ReadTransform(file),
            Data = ModelRecords.ReadData(file),
        };
    }

    private static ImageTransform? ReadTransform(INamedArraySource file)
    {
        if (!file.Metadata.TryGetValue(Prefix + "resize", out var name))
            return null;
        return ImageTransform.Find(name) ?? throw Bad(file, "resize", "a way to resize photos, such as crop");
    }

    private static Hyperparameters ReadHyperparameters(INamedArraySource file)
    {
        try
        {
            var architecture = Architectures.Get(Required(file, "architecture"));
            return architecture.Parse(architecture.Defaults.Values.ToDictionary(v => v.Name, v => Required(file, v.Name), StringComparer.Ordinal));
        }
        catch (UsageException cause)
        {
            throw new DataFormatException(file.Name, null, $"metadata {Prefix}*: {cause.Message}", cause);
        }
    }

    private static Normalisation ReadNormalisation(INamedArraySource file, int count)
    {
        var (mean, deviation) = (Numbers(file, "mean"), Numbers(file, "std"));
        if ((mean.Length != count && mean.Length != 1) || Array.Exists(mean, v => !float.IsFinite(v)))
            throw Bad(file, "mean", $"{count} finite numbers");
        if (deviation.Length != mean.Length || Array.Exists(deviation, v => !(v > 0 && float.IsFinite(v))))
            throw Bad(file, "std", $"{mean.Length} finite numbers above 0");
        var normalisation = new Normalisation("model", mean, deviation);
        return Array.TrueForAll(normalisation.Table(count), float.IsFinite)
            ? normalisation
            : throw Bad(file, "std", "numbers that leave the pixels finite");
    }

    private static string Required(INamedArraySource file, string key) => file.Metadata.TryGetValue(Prefix + key, out var value)
        ? value
        : throw new DataFormatException(file.Name, null, $"lacks the metadata {Prefix}{key}");

    private static double Number(INamedArraySource file, string key) =>
        double.TryParse(Required(file, key), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : throw Bad(file, key, "a number");

    private static float[] Numbers(INamedArraySource file, string key) =>
    [
        .. Required(file, key).Split(',').Select(v => float.TryParse(v, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new DataFormatException(file.Name, null, $"metadata {Prefix}{key} holds '{v}', wants numbers")),
    ];

    private static DataFormatException Bad(INamedArraySource file, string key, string wanted) =>
        new(file.Name, null, $"metadata {Prefix}{key} is '{Required(file, key)}', wants {wanted}");

    private static string Join(int channels, Func<int, float> value) =>
        string.Join(',', Enumerable.Range(0, channels).Select(c => value(c).ToString("R", CultureInfo.InvariantCulture)));
}

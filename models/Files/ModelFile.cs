using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Models.Data;
using EscNative.Models.Erasure;

namespace EscNative.Models;

/// <summary>Models as safetensors files: PyTorch's names and layout (convolutions [out, in, kh, kw]), metadata for the rest.</summary>
/// <remarks>A file that was exported from PyTorch without metadata loads too: the architecture then follows from its tensors.</remarks>
public static class ModelFile
{
    private const string Prefix = "escnative.";
    private const string FormatVersion = "1";

    // Images have one or three; some instruments more.
    private const int MaximumChannels = 1024;

    /// <summary>Saves a model, with its erasure.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <param name="notes">Further metadata (training recipe, seed), or null.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Save(Classifier model, string path, bool force = false, IReadOnlyDictionary<string, string>? notes = null) =>
        AtomicFile.Write(path, stream => Write(model, stream, notes), force);

    /// <summary>Writes a model, with its erasure, to a stream.</summary>
    /// <param name="model">The model.</param>
    /// <param name="stream">Where to write.</param>
    /// <param name="notes">Further metadata (training recipe, seed), or null.</param>
    public static void Write(Classifier model, Stream stream, IReadOnlyDictionary<string, string>? notes = null)
    {
        var arrays = ToArrays(model);
        var metadata = Describe(model, notes);
        if (model.Erasure is { } erasure)
            ErasureArrays.Write(erasure, arrays, metadata);
        SafetensorsWriter.Write(stream, arrays, metadata);
    }

    /// <summary>Loads a model in evaluation mode.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the parameters live; the CPU by default.</param>
    /// <exception cref="DataFormatException">The file is damaged, of an unknown architecture, or lacks or adds tensors.</exception>
    public static Classifier Load(string path, Device? device = null)
    {
        using var file = SafetensorsFile.Open(path);
        return Load(file, device);
    }

    /// <summary>Loads a model in evaluation mode from an open file.</summary>
    /// <inheritdoc cref="Load(string, Device?)"/>
    public static Classifier Load(SafetensorsFile file, Device? device = null)
    {
        var names = Names(file);
        var description = ReadDescription(file, names);
        Classifier model;
        try
        {
            CheckOutline(file, names, description);
            model = Architectures.Create(description, device: device);
        }
        catch (UsageException cause)
        {
            throw new DataFormatException(file.Name, null, cause.Message, cause);
        }

        try
        {
            Fill(model, file, names, ErasureArrays.ArrayPrefix);
            if (ErasureArrays.Read(file, model.FeatureWidth) is { } erasure)
                model.SetErasure(erasure);
            model.Forgotten = ModelRecords.ReadForgotten(file, model);
            model.Training = false;
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Parameters, running statistics and counters with PyTorch's names and layout, without the erasure.</summary>
    public static List<NamedArray> ToArrays(Classifier model)
    {
        var arrays = new List<NamedArray>();
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        foreach (var (name, parameter) in model.NamedParameters)
            arrays.Add(ToPyTorch(parameter.Value).ToNamedArray(name));
        foreach (var (name, buffer) in model.NamedBuffers)
            arrays.Add(buffer.ToNamedArray(name));
        foreach (var (name, module) in model.NamedModules)
        {
            if (module is BatchNorm2d norm)
                arrays.Add(NamedArray.From(name + ".num_batches_tracked", [], [norm.BatchesTracked]));
        }

        return arrays;
    }

    internal static SortedDictionary<string, string> Describe(Classifier model, IReadOnlyDictionary<string, string>? notes)
    {
        var d = model.Description;
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Prefix + "format"] = FormatVersion,
            [Prefix + "architecture"] = d.Architecture,
            [Prefix + "width"] = d.Width.ToString("R", CultureInfo.InvariantCulture),
            [Prefix + "channels"] = d.Channels.ToString(CultureInfo.InvariantCulture),
            [Prefix + "classes"] = string.Join('\n', d.ClassNames),
            [Prefix + "mean"] = Join(d.Channels, d.Normalisation.Mean),
            [Prefix + "std"] = Join(d.Channels, d.Normalisation.Deviation),
        };
        foreach (var (key, value) in notes ?? new Dictionary<string, string>())
            metadata[$"{Prefix}note.{key}"] = value;
        ModelRecords.Write(model, metadata);
        return metadata;
    }

    /// <summary>The names in the file by the model's names: DataParallel's <c>module.</c> prefix is not part of them.</summary>
    private static Dictionary<string, string> Names(SafetensorsFile file)
    {
        const string parallel = "module.";
        var strip = file.Entries.Count > 0 && file.Entries.All(e => e.Name.StartsWith(parallel, StringComparison.Ordinal));
        return file.Entries.ToDictionary(e => strip ? e.Name[parallel.Length..] : e.Name, e => e.Name, StringComparer.Ordinal);
    }

    /// <summary>Overwrites the model's values with the file's, which must be the same tensors but for those of a prefix.</summary>
    internal static void Fill(Classifier model, SafetensorsFile file, string exceptPrefix) =>
        Fill(model, file, Names(file), exceptPrefix);

    /// <summary>Overwrites the model's values with what <see cref="ToArrays"/> gave, saved with a prefix before each name.</summary>
    /// <exception cref="DataFormatException">The file lacks or adds tensors of that prefix, or one has another shape or is not finite.</exception>
    public static void FillFrom(Classifier model, SafetensorsFile file, string prefix) => Fill(
        model, file, file.Entries.Where(e => e.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(e => e.Name[prefix.Length..], e => e.Name, StringComparer.Ordinal), null);

    private static void Fill(Classifier model, SafetensorsFile file, Dictionary<string, string> names, string? exceptPrefix)
    {
        var left = names.Keys.Where(n => exceptPrefix is null || !n.StartsWith(exceptPrefix, StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        // Everything is read and checked before the model is touched.
        var values = new List<(Tensor To, Tensor From)>();
        var counters = new List<(BatchNorm2d Norm, long Batches)>();
        foreach (var (name, parameter) in model.NamedParameters)
            values.Add((parameter.Value, FromPyTorch(Read(name, ToPyTorch(parameter.Value).Shape.ToArray()))));
        foreach (var (name, buffer) in model.NamedBuffers)
            values.Add((buffer, Read(name, buffer.Shape.ToArray())));
        foreach (var (name, module) in model.NamedModules)
        {
            var counter = name + ".num_batches_tracked";
            if (module is BatchNorm2d norm && left.Remove(counter))
                counters.Add((norm, Count(file, names[counter])));
        }

        if (left.Count > 0)
            throw new DataFormatException(file.Name, null, $"has {left.Count} tensors that {model.Description.Architecture} does not have, the first is '{left.Order(StringComparer.Ordinal).First()}'");
        foreach (var (to, from) in values)
            to.Assign(from);
        foreach (var (norm, batches) in counters)
            norm.BatchesTracked = batches;

        Tensor Read(string name, int[] shape)
        {
            if (!left.Remove(name))
                throw Lacks(file, name, shape, model.Description);
            var array = file.Read(names[name]);
            CheckShape(file, name, array.Shape, shape, model.Description);
            var numbers = array.ToFloat32();
            if (Array.FindIndex(numbers, v => !float.IsFinite(v)) is >= 0 and var bad)
            {
                var value = array.ToFloat64()[bad];
                throw new DataFormatException(file.Name, null, double.IsFinite(value)
                    ? FormattableString.Invariant($"tensor '{name}' holds {value:R} at value {bad}, which single precision does not: scale the model, or the file is damaged")
                    : FormattableString.Invariant($"tensor '{name}' holds {value} at value {bad}: the model diverged in training, or the file is damaged"));
            }

            if (name.EndsWith(".running_var", StringComparison.Ordinal) && Array.FindIndex(numbers, v => v < 0) is >= 0 and var negative)
                throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}' holds {numbers[negative]} at value {negative}; a variance is 0 or more"));
            return Tensor.From(numbers, new Shape(shape), model.Device);
        }
    }

    // A count may have any type: a whole model is often converted at once, and PyTorch loads it.
    private static long Count(SafetensorsFile file, string name)
    {
        const long most = 1L << 62;
        var array = file.Read(name);
        if (array.Count != 1)
            throw new DataFormatException(file.Name, null, $"tensor '{name}' [{string.Join(", ", array.Shape.ToArray())}] has {array.Count} values, wants one: the number of batches seen");
        var value = array.ToFloat64()[0];
        // Half precision ends at 65,504; a count beyond it became infinite, and only says that there were many.
        if (array.Type == ArrayType.F16 && double.IsPositiveInfinity(value))
            return (long)Half.MaxValue;
        return value is >= 0 and < most
            ? array.Type is ArrayType.F16 or ArrayType.BF16 or ArrayType.F32 or ArrayType.F64 ? (long)value : array.ToInt64()[0]
            : throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}' holds {value:R}, wants a number of batches from 0 to 2^62"));
    }

    // What a header claims is compared with the file's own tensors before memory is taken for it.
    private static void CheckOutline(SafetensorsFile file, Dictionary<string, string> names, ModelDescription description)
    {
        var entries = file.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
        foreach (var (name, shape) in Architectures.Outline(description))
        {
            if (!names.TryGetValue(name, out var stored))
                throw Lacks(file, name, shape, description);
            CheckShape(file, name, entries[stored].Shape, shape, description);
        }
    }

    private static void CheckShape(SafetensorsFile file, string name, ReadOnlySpan<int> shape, ReadOnlySpan<int> wanted, ModelDescription description)
    {
        if (!shape.SequenceEqual(wanted))
            throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}' is {Text(shape)}, {description.Architecture} of width {description.Width} for {description.Channels} channels and {description.ClassNames.Count} classes wants {Text(wanted)}"));
    }

    private static DataFormatException Lacks(SafetensorsFile file, string name, ReadOnlySpan<int> shape, ModelDescription description) =>
        new(file.Name, null, $"lacks the tensor '{name}' {Text(shape)} of {description.Architecture}");

    private static string Text(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    private static ModelDescription ReadDescription(SafetensorsFile file, Dictionary<string, string> names)
    {
        var metadata = file.Metadata;
        if (!metadata.TryGetValue(Prefix + "format", out var format))
            return Guess(file, names);
        if (format != FormatVersion)
            throw new DataFormatException(file.Name, null, $"model format {format} is newer than this version reads ({FormatVersion}): use a newer EscNative");
        var channels = Number("channels");
        if (channels is not (>= 1 and <= MaximumChannels) || channels != Math.Floor(channels))
            throw Bad("channels", $"a whole number from 1 to {MaximumChannels}");
        return new ModelDescription
        {
            Architecture = Required("architecture"),
            Width = Number("width"),
            Channels = (int)channels,
            ClassNames = Required("classes").Split('\n'),
            Normalisation = Normal((int)channels),
            Data = ModelRecords.ReadData(file),
        };

        Normalisation Normal(int count)
        {
            var (mean, deviation) = (Numbers("mean"), Numbers("std"));
            if ((mean.Length != count && mean.Length != 1) || Array.Exists(mean, v => !float.IsFinite(v)))
                throw Bad("mean", $"{count} finite numbers");
            if (deviation.Length != mean.Length || Array.Exists(deviation, v => !(v > 0 && float.IsFinite(v))))
                throw Bad("std", $"{mean.Length} finite numbers above 0");
            var normalisation = new Normalisation("model", mean, deviation);
            return Array.TrueForAll(normalisation.Table(count), float.IsFinite)
                ? normalisation
                : throw Bad("std", "numbers that leave the pixels finite");
        }

        DataFormatException Bad(string key, string wanted) => new(file.Name, null, $"metadata {Prefix}{key} is '{Required(key)}', wants {wanted}");

        string Required(string key) => metadata.TryGetValue(Prefix + key, out var value)
            ? value
            : throw new DataFormatException(file.Name, null, $"lacks the metadata {Prefix}{key}");
        double Number(string key) => double.TryParse(Required(key), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new DataFormatException(file.Name, null, $"metadata {Prefix}{key} is '{Required(key)}', wants a number");
        float[] Numbers(string key) => Required(key).Split(',')
            .Select(v => float.TryParse(v, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw new DataFormatException(file.Name, null, $"metadata {Prefix}{key} holds '{v}', wants numbers"))
            .ToArray();
    }

    private static ModelDescription Guess(SafetensorsFile file, Dictionary<string, string> names)
    {
        var entries = file.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
        if (Shape("features.0.0.weight") is [var filters, var channels, 3, 3] && Shape("head.0.weight") is [var classes, var features] && features == 2L * filters)
        {
            return new ModelDescription
            {
                Architecture = "allcnn",
                Width = filters / 96.0,
                Channels = channels,
                ClassNames = [.. Enumerable.Range(0, classes).Select(i => i.ToString(CultureInfo.InvariantCulture))],
                Normalisation = Normalisation.Half,
            };
        }

        throw new DataFormatException(
            file.Name, null, $"is no model that this version knows ({string.Join(", ", Architectures.Names)}): no metadata {Prefix}architecture, and the tensor names fit none of them");

        int[]? Shape(string name) => names.TryGetValue(name, out var stored) ? entries[stored].Shape.ToArray() : null;
    }

    // Convolution weights [out, kh, kw, in] here, [out, in, kh, kw] in PyTorch.
    private static Tensor ToPyTorch(Tensor weight) => weight.Shape.Rank == 4 ? weight.Permute(0, 3, 1, 2) : weight;

    private static Tensor FromPyTorch(Tensor weight) => weight.Shape.Rank == 4 ? weight.Permute(0, 2, 3, 1) : weight;

    private static string Join(int channels, Func<int, float> value) =>
        string.Join(',', Enumerable.Range(0, channels).Select(c => value(c).ToString("R", CultureInfo.InvariantCulture)));
}

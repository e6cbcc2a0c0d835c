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

    /// <summary>Saves a model, with its erasure.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <param name="notes">Further metadata (training recipe, seed), or null.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Save(Classifier model, string path, bool force = false, IReadOnlyDictionary<string, string>? notes = null)
    {
        var arrays = ToArrays(model);
        var metadata = Describe(model, notes);
        if (model.Erasure is { } erasure)
            ErasureArrays.Write(erasure, arrays, metadata);
        SafetensorsWriter.Write(path, arrays, metadata, force);
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
        foreach (var (name, parameter) in model.NamedParameters)
            parameter.Value.Assign(FromPyTorch(Read(name, ToPyTorch(parameter.Value).Shape)));
        foreach (var (name, buffer) in model.NamedBuffers)
            buffer.Assign(Read(name, buffer.Shape));
        foreach (var (name, module) in model.NamedModules)
        {
            var counter = name + ".num_batches_tracked";
            if (module is BatchNorm2d norm && left.Remove(counter))
                norm.BatchesTracked = file.Read(names[counter]).ToInt64()[0];
        }

        if (left.Count > 0)
            throw new DataFormatException(file.Name, null, $"has {left.Count} tensors that {model.Description.Architecture} does not have, the first is '{left.Order(StringComparer.Ordinal).First()}'");

        Tensor Read(string name, Shape shape)
        {
            if (!left.Remove(name))
                throw new DataFormatException(file.Name, null, $"lacks the tensor '{name}' {shape} of {model.Description.Architecture}");
            var array = file.Read(names[name]);
            if (new Shape(array.Shape) != shape)
                throw new DataFormatException(file.Name, null, $"tensor '{name}' is {new Shape(array.Shape)}, {model.Description.Architecture} of width {model.Description.Width.ToString(CultureInfo.InvariantCulture)} with {model.Classes} classes wants {shape}");
            var values = array.ToFloat32();
            if (Array.FindIndex(values, v => !float.IsFinite(v)) is >= 0 and var bad)
                throw new DataFormatException(file.Name, null, $"tensor '{name}' holds {values[bad]} at value {bad}: the model diverged in training, or the file is damaged");
            return Tensor.From(values, shape, model.Device);
        }
    }

    private static ModelDescription ReadDescription(SafetensorsFile file, Dictionary<string, string> names)
    {
        var metadata = file.Metadata;
        if (!metadata.TryGetValue(Prefix + "format", out var format))
            return Guess(file, names);
        if (format != FormatVersion)
            throw new DataFormatException(file.Name, null, $"model format {format} is newer than this version reads ({FormatVersion}): use a newer EscNative");
        return new ModelDescription
        {
            Architecture = Required("architecture"),
            Width = Number("width"),
            Channels = (int)Number("channels"),
            ClassNames = Required("classes").Split('\n'),
            Normalisation = new Normalisation("model", Numbers("mean"), Numbers("std")),
            Data = ModelRecords.ReadData(file),
        };

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
        if (Shape("features.0.0.weight") is [var filters, var channels, 3, 3] && Shape("head.0.weight") is [var classes, _] && classes is > 0 and < 1_000_000)
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

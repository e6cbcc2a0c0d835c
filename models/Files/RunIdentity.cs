using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using System.Text;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>
/// The question that a run answers, as named parts: everything that its bits depend on. It stands in the run's checkpoint, so that no other
/// run takes it up, and a refusal can name the parts that differ.
/// </summary>
/// <remarks>The number of threads is no part: results do not depend on it. What is long (weights, images) is there as its SHA-256.</remarks>
public sealed class RunIdentity
{
    private const string Prefix = "run.";
    private const int ShownLength = 40;

    private readonly SortedDictionary<string, string> _parts = new(StringComparer.Ordinal);

    /// <summary>A question with its first parts: the version of the program, and the arithmetic of the device.</summary>
    /// <param name="device">Where it is computed.</param>
    public RunIdentity(Device device)
    {
        Add("version", typeof(RunIdentity).Assembly.GetName().Version!.ToString(3));
        Add("arithmetic", Arithmetic(device));
    }

    /// <summary>Every part with its value, by name.</summary>
    public IReadOnlyDictionary<string, string> Parts => _parts;

    /// <summary>SHA-256 over all parts, lower-case hexadecimal.</summary>
    public string Hash
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var text in _parts.SelectMany(part => new[] { part.Key, part.Value }))
                hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{text.Length}:{text}")));
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <summary>Adds a part.</summary>
    /// <exception cref="ArgumentException">There is one of that name.</exception>
    public RunIdentity Add(string name, string value)
    {
        _parts.Add(name, value);
        return this;
    }

    /// <summary>Adds a number, exactly.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public RunIdentity Add(string name, double? value) => Add(name, value is { } number ? number.ToString("R", CultureInfo.InvariantCulture) : "none");

    /// <summary>Adds images with their labels, in order.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public RunIdentity Add(string name, ImageSet? images) =>
        Add(name, images is null ? "none" : string.Create(CultureInfo.InvariantCulture, $"{images.Count} images {images.ContentHash()}"));

    /// <summary>Adds what a model is: its description, and its values as they are now, the head and the erasure included.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public RunIdentity Add(Classifier model)
    {
        ArgumentNullException.ThrowIfNull(model);
        AddDescription(model.Description);
        Add("weights", WeightsOf(model));
        return Add("erasure", ErasureOf(model));
    }

    /// <summary>Adds what a model is, without its values.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public RunIdentity AddDescription(ModelDescription description)
    {
        ArgumentNullException.ThrowIfNull(description);
        var d = description;
        Add("architecture", d.Architecture);
        foreach (var (name, value) in d.Hyperparameters.Values)
            Add("hyper-parameter " + name, value);
        Add("channels", d.Channels);
        Add("classes", $"{d.ClassNames.Count} {HashOf(d.ClassNames)}");
        return Add("normalisation", string.Join(", ", Enumerable.Range(0, d.Channels).Select(c =>
            string.Create(CultureInfo.InvariantCulture, $"{d.Normalisation.Mean(c):R} ± {d.Normalisation.Std(c):R}"))));
    }

    /// <summary>SHA-256 of a model's values in the order and layout of a model file, without its erasure.</summary>
    public static string WeightsOf(Classifier model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var array in ModelFile.ToArrays(model))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(array.Name + "\n"));
            hash.AppendData(array.Data.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Writes the parts into a file's metadata.</summary>
    /// <param name="metadata">Of the checkpoint.</param>
    /// <param name="prefix">Of its keys: <c>escnative.training.</c>.</param>
    public void Write(IDictionary<string, string> metadata, string prefix)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        foreach (var (name, value) in _parts)
            metadata[prefix + Prefix + name] = value;
    }

    /// <summary>Whether a file has the parts of some run, this or another.</summary>
    internal static bool StandsIn(INamedArraySource file, string prefix) =>
        file.Metadata.Keys.Any(key => key.StartsWith(prefix + Prefix, StringComparison.Ordinal));

    /// <summary>Checks that a checkpoint belongs to this question.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">Of its metadata.</param>
    /// <param name="what">What it should be, for the message: "a training run".</param>
    /// <exception cref="DataFormatException">It is no such checkpoint, or one of another run: the message names every part that differs.</exception>
    public void Check(INamedArraySource file, string prefix, string what)
    {
        ArgumentNullException.ThrowIfNull(file);
        var start = prefix + Prefix;
        var saved = file.Metadata.Where(m => m.Key.StartsWith(start, StringComparison.Ordinal)).ToDictionary(m => m.Key[start.Length..], m => m.Value);
        if (saved.Count == 0)
            throw new DataFormatException(file.Name, null, $"is not a checkpoint of {what} that this version wrote: it has no metadata {start}*");
        var differences = _parts.Keys.Union(saved.Keys).Order(StringComparer.Ordinal)
            .Where(name => !_parts.TryGetValue(name, out var own) || !saved.TryGetValue(name, out var theirs) || own != theirs)
            .Select(name => $"{name} was {Shown(saved.GetValueOrDefault(name))} and is {Shown(_parts.GetValueOrDefault(name))}")
            .ToArray();
        if (differences.Length > 0)
        {
            throw new DataFormatException(
                file.Name, null, $"is a checkpoint of another run: {string.Join("; ", differences)}. Ask the same again, or begin anew with another checkpoint file");
        }
    }

    // What the order of additions depends on: kernels are chosen by these.
    private static string Arithmetic(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (CudaInterop.ContextOf(device) is { } gpu)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"f32, cuda {gpu.ComputeCapability.Major}.{gpu.ComputeCapability.Minor}{(gpu.IsEmulated ? " emulated" : "")}, {string.Join(", ", device.Identity)}");
        }

        var bits = Vector512.IsHardwareAccelerated ? 512
            : Vector256.IsHardwareAccelerated && Fma.IsSupported ? 256
            : Vector128.IsHardwareAccelerated ? 128
            : 32;
        return string.Create(CultureInfo.InvariantCulture, $"f32, cpu with vectors of {bits} bits");
    }

    private static string ErasureOf(Classifier model)
    {
        if (model.Erasure is not { } erasure)
            return "none";
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var factor in erasure.Factors)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{factor.Kind} {factor.Rank} {factor.Offset.Length}\n")));
            hash.AppendData(MemoryMarshal.AsBytes(factor.Left));
            hash.AppendData(MemoryMarshal.AsBytes(factor.Right));
            hash.AppendData(MemoryMarshal.AsBytes(factor.Offset));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string HashOf(IEnumerable<string> texts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));

    private static string Shown(string? value) => value is null ? "not there" : value.Length > ShownLength ? $"'{value[..ShownLength]}...'" : $"'{value}'";
}

using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>An open checkpoint of a run, checked: <see cref="RunCheckpoint.Open"/>.</summary>
/// <remarks>Whatever is missing or not what it must be is a <see cref="DataFormatException"/> with the file, the key, what it is and what is wanted.</remarks>
public sealed class SavedRun : IDisposable
{
    private readonly string _prefix;

    internal SavedRun(INamedArraySource file, string prefix) => (File, _prefix) = (file, prefix);

    /// <summary>The file's arrays.</summary>
    public INamedArraySource File { get; }

    /// <summary>A whole number.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="most">The largest that it may be; the smallest is 0.</param>
    /// <param name="reason">Why it may not be larger, for the message, or null.</param>
    /// <exception cref="DataFormatException">It is missing or no such number.</exception>
    public long Whole(string key, long most = long.MaxValue, string? reason = null)
    {
        var wanted = string.Create(CultureInfo.InvariantCulture, $"a whole number from 0 to {most}{(reason is null ? "" : $": {reason}")}");
        return long.TryParse(Text(key, wanted), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= most
            ? value
            : throw Refuse(key, wanted);
    }

    /// <summary>A time in seconds.</summary>
    /// <param name="key">Its name.</param>
    /// <exception cref="DataFormatException">It is missing or no time.</exception>
    public double Seconds(string key)
    {
        const string wanted = "seconds, 0 or more";
        return double.TryParse(Text(key, wanted), NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && double.IsFinite(seconds) && seconds >= 0
            ? seconds
            : throw Refuse(key, wanted);
    }

    /// <summary>An array of a known type and size.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its type.</param>
    /// <param name="shape">Its shape.</param>
    /// <exception cref="DataFormatException">It is missing, or of another type or shape.</exception>
    public NamedArray Array(string name, ArrayType type, params ReadOnlySpan<int> shape)
    {
        var array = File.Read(name);
        return array.Type == type && array.Shape.SequenceEqual(shape)
            ? array
            : throw new DataFormatException(File.Name, null, $"array '{name}' is {array.Type} {Shape(array.Shape)}, wants {type} {Shape(shape)}");
    }

    /// <summary>The refusal of a value.</summary>
    /// <param name="key">Its name.</param>
    /// <param name="wanted">What it should be.</param>
    public DataFormatException Refuse(string key, string wanted) => new(File.Name, null, $"metadata {_prefix}{key} is '{Text(key, wanted)}', wants {wanted}");

    /// <summary>Closes the file.</summary>
    public void Dispose() => File.Dispose();

    private static string Shape(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    private string Text(string key, string wanted) => File.Metadata.TryGetValue(_prefix + key, out var text)
        ? text
        : throw new DataFormatException(File.Name, null, $"lacks the metadata {_prefix}{key}, wants {wanted}");
}

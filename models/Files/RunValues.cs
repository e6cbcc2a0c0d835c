using System.Globalization;

namespace EscNative.Models;

/// <summary>The values of a <see cref="RunCheckpoint"/>, each with its type; <see cref="SavedRun"/> reads them back.</summary>
public sealed class RunValues
{
    private readonly SortedDictionary<string, string> _texts = new(StringComparer.Ordinal);

    internal IReadOnlyDictionary<string, string> Texts => _texts;

    /// <summary>Adds a whole number.</summary>
    /// <exception cref="ArgumentException">There is a value of that name.</exception>
    public RunValues Add(string key, long value)
    {
        _texts.Add(key, value.ToString(CultureInfo.InvariantCulture));
        return this;
    }

    /// <summary>Adds a number, exactly.</summary>
    /// <inheritdoc cref="Add(string, long)"/>
    public RunValues Add(string key, double value)
    {
        _texts.Add(key, value.ToString("R", CultureInfo.InvariantCulture));
        return this;
    }
}

using System.Globalization;

namespace EscNative.Models;

/// <summary>What a network can be told beside channels and classes: each architecture has a record of its own.</summary>
public abstract record Hyperparameters
{
    /// <summary>The name of the architecture whose record this is.</summary>
    public abstract string Architecture { get; }

    /// <summary>The values by name, as a model file keeps them (metadata <c>escnative.NAME</c>); <see cref="IArchitecture.Parse"/> reads them back.</summary>
    public abstract IReadOnlyList<(string Name, string Value)> Values { get; }

    /// <summary>The values in words: <c>width 0.5</c>.</summary>
    public sealed override string ToString() => string.Join(", ", Values.Select(v => $"{v.Name} {v.Value}"));

    /// <summary>A number as <see cref="Values"/> has it: what is read back is the same number.</summary>
    protected static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Reads a number.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static double Number(IReadOnlyDictionary<string, string> values, string name)
    {
        ArgumentNullException.ThrowIfNull(values);
        return double.TryParse(values[name], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new UsageException($"{name}: got '{values[name]}', wants a number");
    }

    /// <summary>Reads a whole number.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static int Whole(IReadOnlyDictionary<string, string> values, string name)
    {
        ArgumentNullException.ThrowIfNull(values);
        return int.TryParse(values[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new UsageException($"{name}: got '{values[name]}', wants a whole number");
    }
}

/// <summary>Of a network without hyper-parameters, or of one that its user builds himself.</summary>
/// <param name="Name">What the network is called in files and messages.</param>
public sealed record NoHyperparameters(string Name) : Hyperparameters
{
    /// <inheritdoc/>
    public override string Architecture => Name;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string Value)> Values => [];
}

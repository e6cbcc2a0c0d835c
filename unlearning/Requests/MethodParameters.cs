using System.Globalization;

namespace EscNative.Unlearning;

/// <summary>The values of a method's parameters in one run: those of the options, and the defaults of the others.</summary>
public sealed class MethodParameters
{
    private readonly SortedDictionary<string, double> _values = new(StringComparer.Ordinal);

    private MethodParameters(IUnlearningMethod method, UnlearningOptions options)
    {
        foreach (var parameter in method.Parameters)
            _values.Add(parameter.Name, parameter.Default);
        foreach (var (name, value) in options.Parameters)
        {
            var parameter = method.Parameters.FirstOrDefault(p => p.Name == name)
                ?? throw new UsageException($"{method.Name}: got a value for '{name}', wants {Known(method)}");
            Check(method, parameter, value);
            _values[name] = value;
        }
    }

    /// <summary>Every parameter with its value, by name.</summary>
    public IReadOnlyDictionary<string, double> Values => _values;

    /// <summary>A value by its parameter's name.</summary>
    public double this[string name] => _values[name];

    /// <summary>The values for a run of a method.</summary>
    /// <param name="method">The method.</param>
    /// <param name="options">What the request sets.</param>
    /// <exception cref="UsageException">The method has no such parameter, or the value makes no sense: the message says what would.</exception>
    public static MethodParameters Of(IUnlearningMethod method, UnlearningOptions options)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(options);
        return new MethodParameters(method, options);
    }

    /// <summary>The value of a parameter that is a whole number.</summary>
    public int Whole(string name) => checked((int)_values[name]);

    private static void Check(IUnlearningMethod method, MethodParameter parameter, double value)
    {
        if (double.IsFinite(value) && value >= parameter.Minimum && value <= parameter.Maximum && (!parameter.IsWhole || value == Math.Floor(value)))
            return;
        var kind = parameter.IsWhole ? "a whole number" : "a number";
        var range = parameter.Maximum == double.MaxValue ? $"from {Text(parameter.Minimum)}" : $"from {Text(parameter.Minimum)} to {Text(parameter.Maximum)}";
        throw new UsageException($"{method.Name}: got {parameter.Name} {Text(value)}, wants {kind} {range}");
    }

    private static string Known(IUnlearningMethod method) => method.Parameters.Count == 0
        ? "none: it has no such parameters"
        : string.Join(", ", method.Parameters.Select(p => p.Name));

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A number that a method may be told by name, and what it is when it is not told.</summary>
/// <param name="Name">The name: <c>learning-rate</c>.</param>
/// <param name="Default">The published value.</param>
/// <param name="Description">What it is, with its unit.</param>
public sealed record MethodParameter(string Name, double Default, string Description)
{
    /// <summary>The smallest value that makes sense.</summary>
    public double Minimum { get; init; }

    /// <summary>The largest value that makes sense.</summary>
    public double Maximum { get; init; } = double.MaxValue;

    /// <summary>Whether only whole numbers make sense.</summary>
    public bool IsWhole { get; init; }
}

using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Engine.Formats;
using EscNative.Unlearning;

namespace EscNative.Bench.Requests;

/// <summary>What <c>--set</c> says: values for parameters of methods.</summary>
internal sealed class MethodSettings
{
    /// <summary>What stands before the name of a note in a model file's metadata.</summary>
    public const string NotePrefix = "escnative.note.";

    // The method that trains as the model's file says that the model was trained.
    private const string Retrain = "retrain";

    private readonly List<(string? Method, string Name, double Value)> _values = [];

    /// <summary>Reads <c>epochs=2,scrub.alpha=0.1</c>.</summary>
    /// <exception cref="UsageException">Something that is not NAME=NUMBER or METHOD.NAME=NUMBER.</exception>
    public static MethodSettings Parse(string? text)
    {
        var settings = new MethodSettings();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !double.TryParse(part[(equals + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
                throw new UsageException($"--set: got '{part}', wants NAME=NUMBER or METHOD.NAME=NUMBER, with commas between several");
            var dot = part[..equals].IndexOf('.', StringComparison.Ordinal);
            var (method, name) = (dot < 0 ? null : part[..dot], part[(dot + 1)..equals]);
            if (settings._values.Any(v => (v.Method, v.Name) == (method, name)))
                throw new UsageException($"--set: '{part[..equals]}' is given twice");
            settings._values.Add((method, name, value));
        }

        return settings;
    }

    /// <summary>Checks that every value is one for some method.</summary>
    /// <exception cref="UsageException">A value is for none.</exception>
    public void Check(IReadOnlyList<IUnlearningMethod> methods)
    {
        foreach (var (method, name, _) in _values)
        {
            if (methods.Any(m => (method is null || m.Name == method) && m.Parameters.Any(p => p.Name == name)))
                continue;
            var known = string.Join("; ", methods.Where(m => m.Parameters.Count > 0).Select(m => $"{m.Name}: {string.Join(", ", m.Parameters.Select(p => p.Name))}"));
            var typed = method is null ? name : $"{method}.{name}";
            throw new UsageException($"--set: no method here has '{typed}'; {(known.Length > 0 ? known : "they have no parameters")}{Suggestion.For(typed, Names(methods, method is not null))}");
        }
    }

    private static IEnumerable<string> Names(IReadOnlyList<IUnlearningMethod> methods, bool withMethod) => methods
        .SelectMany(m => m.Parameters.Select(p => withMethod ? $"{m.Name}.{p.Name}" : p.Name)).Distinct();

    /// <summary>The values for a method: those that name it win over those for all.</summary>
    /// <param name="method">The method.</param>
    /// <param name="defaults">What holds where nothing is set, or null.</param>
    public IReadOnlyDictionary<string, double> For(IUnlearningMethod method, IReadOnlyDictionary<string, double>? defaults = null)
    {
        var values = new Dictionary<string, double>();
        foreach (var (name, value) in defaults ?? values)
        {
            if (method.Parameters.Any(p => p.Name == name))
                values[name] = value;
        }

        foreach (var (owner, name, value) in _values.OrderBy(v => v.Method is null ? 0 : 1))
        {
            if ((owner is null || owner == method.Name) && method.Parameters.Any(p => p.Name == name))
                values[name] = value;
        }

        return values;
    }

    /// <summary>The training recipe that a model file tells, as parameters for retraining.</summary>
    public static IReadOnlyDictionary<string, double> RecipeOf(string modelFile)
    {
        using var file = ArrayFile.Open(modelFile);
        var recipe = new Dictionary<string, double>();
        foreach (var name in (string[])["epochs", "batch", "learning-rate", "weight-decay", "crop"])
        {
            if (!file.Metadata.TryGetValue(NotePrefix + name, out var text))
                continue;
            recipe[name] = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0 && value <= int.MaxValue
                ? value
                : throw new DataFormatException(modelFile, null, $"metadata {NotePrefix}{name} is '{text}', wants a number of a training recipe");
        }

        return recipe;
    }

    /// <summary>The options of a method in an experiment: directions and mode for those that have them, and the values of <c>--set</c>.</summary>
    public UnlearningOptions Options(IUnlearningMethod method, UnlearningOptions common, IReadOnlyDictionary<string, double> recipe)
    {
        var own = common with { Parameters = For(method, method.Name == Retrain ? recipe : null) };
        return method.Name switch
        {
            "esc" => own,
            "esc-t" => own with { Percent = null, Directions = null },
            _ => own with { Percent = null, Directions = null, Solver = "auto", Mode = UnlearningMode.Paper },
        };
    }
}

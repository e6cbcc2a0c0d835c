using System.CommandLine;

namespace EscNative.Bench.Cli;

/// <summary>Completes a command line with what the environment and the configuration file say.</summary>
/// <remarks>
/// What comes from there is put into the command line as text and parsed again, so that every value passes the same parser
/// and the same checks, wherever it stood. Precedence: command line, environment, file, default.
/// </remarks>
internal sealed class OptionLayers(RootCommand root, OptionSet options, Func<string, string?> environment)
{
    private static readonly ParserConfiguration Parser = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <summary>The options of the last command line whose value stood in the environment or the configuration file.</summary>
    public IReadOnlySet<Option> Layered { get; private set; } = new HashSet<Option>();

    /// <summary>Parses a command line.</summary>
    /// <exception cref="UsageException">The environment or the configuration file holds a value that does not parse, or the file
    /// an unknown key.</exception>
    public ParseResult Parse(IReadOnlyList<string> arguments)
    {
        var given = root.Parse(arguments, Parser);
        var verb = given.CommandResult.Command;
        if (verb == root || given.Errors.Count > 0 || given.Action != verb.Action)
            return given;

        var layers = new List<string>();
        var layered = new HashSet<Option>();
        Layered = layered;
        var file = Configuration(given);
        foreach (var option in verb.Options.Where(option => option != options.Config))
        {
            if (given.GetResult(option) is { Implicit: false })
                continue;
            var variable = OptionSet.Variable(option);
            if (environment(variable) is { Length: > 0 } value)
                layers.Add(Checked(verb, option, value, variable));
            else if (file.Values.TryGetValue(OptionSet.Key(option), out var text))
                layers.Add(Checked(verb, option, text, $"--config {file.Path}"));
            else
                continue;
            layered.Add(option);
        }

        return layers.Count == 0 ? given : root.Parse([verb.Name, .. layers, .. arguments.Skip(1)], Parser);
    }

    private (string? Path, IReadOnlyDictionary<string, string> Values) Configuration(ParseResult given)
    {
        var path = given.GetValue(options.Config) ?? environment(OptionSet.Variable(options.Config));
        if (string.IsNullOrEmpty(path))
            return (null, new Dictionary<string, string>());
        var known = root.Subcommands.SelectMany(verb => verb.Options).Where(option => option != options.Config).Select(OptionSet.Key);
        return (path, ConfigFile.Read(path, known.ToHashSet(StringComparer.Ordinal)));
    }

    private string Checked(Command verb, Option option, string value, string source)
    {
        var token = $"{option.Name}={value}";
        var alone = root.Parse([verb.Name, token], Parser);
        if (alone.Errors.Count == 0)
            return token;
        // The parser's own message for a flag names no option.
        var reason = option.ValueType == typeof(bool) ? $"{option.Name}: got '{value}', wants true or false" : alone.Errors[0].Message;
        throw new UsageException($"{source}: {reason}");
    }
}

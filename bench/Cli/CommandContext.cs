using System.CommandLine;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Bench.Cli;

/// <summary>What a verb gets: its options, where to write, and when to stop.</summary>
/// <param name="Options">Every option.</param>
/// <param name="Parsed">Their values.</param>
/// <param name="Terminal">Where to write.</param>
/// <param name="Layered">The options whose value comes from the environment or the configuration file.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record CommandContext(OptionSet Options, ParseResult Parsed, Terminal Terminal, IReadOnlySet<Option> Layered, CancellationToken Cancel)
{
    /// <summary>The value of an option.</summary>
    /// <remarks>Of a model that is given as a folder, the weights in it.</remarks>
    /// <exception cref="DataFormatException">Such a folder holds none.</exception>
    public T Get<T>(Option<T> option)
    {
        var value = Parsed.GetValue(option)!;
        return value is string path && (ReferenceEquals(option, Options.ModelFile) || ReferenceEquals(option, Options.Original) || ReferenceEquals(option, Options.Retrain))
            ? (T)(object)ModelFolder.FileOf(path)
            : value;
    }

    /// <summary>Whether an option was given, on the command line, in the environment or in the configuration file.</summary>
    public bool Has(Option option) => Parsed.GetResult(option) is { Implicit: false };

    /// <summary>Whether an option stands on the command line: for this run, and not for all.</summary>
    public bool IsTyped(Option option) => Has(option) && !Layered.Contains(option);

    /// <summary>The value of an option that this verb cannot do without.</summary>
    /// <exception cref="UsageException">It was not given.</exception>
    public string Require(Option<string?> option) => Get(option)
        ?? throw new UsageException($"{Parsed.CommandResult.Command.Name}: {option.Name} {option.HelpName} is missing: {option.Description}");
}

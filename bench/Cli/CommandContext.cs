using System.CommandLine;

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
    public T Get<T>(Option<T> option) => Parsed.GetValue(option)!;

    /// <summary>Whether an option was given, on the command line, in the environment or in the configuration file.</summary>
    public bool Has(Option option) => Parsed.GetResult(option) is { Implicit: false };

    /// <summary>Whether an option stands on the command line: for this run, and not for all.</summary>
    public bool IsTyped(Option option) => Has(option) && !Layered.Contains(option);

    /// <summary>The value of an option that this verb cannot do without.</summary>
    /// <exception cref="UsageException">It was not given.</exception>
    public string Require(Option<string?> option) => Get(option)
        ?? throw new UsageException($"{Parsed.CommandResult.Command.Name}: {option.Name} {option.HelpName} is missing: {option.Description}");
}

using System.CommandLine;

namespace EscNative.Bench.Cli;

/// <summary>What a verb gets: its options, where to write, and when to stop.</summary>
internal sealed record CommandContext(OptionSet Options, ParseResult Parsed, Terminal Terminal, CancellationToken Cancel)
{
    /// <summary>The value of an option.</summary>
    public T Get<T>(Option<T> option) => Parsed.GetValue(option)!;

    /// <summary>Whether an option was given, on the command line, in the environment or in the configuration file.</summary>
    public bool Has(Option option) => Parsed.GetResult(option) is { Implicit: false };

    /// <summary>The value of an option that this verb cannot do without.</summary>
    /// <exception cref="UsageException">It was not given.</exception>
    public string Require(Option<string?> option) => Get(option)
        ?? throw new UsageException($"{Parsed.CommandResult.Command.Name}: {option.Name} {option.HelpName} is missing: {option.Description}");
}

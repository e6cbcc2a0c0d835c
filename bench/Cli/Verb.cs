using System.CommandLine;

namespace EscNative.Bench.Cli;

/// <summary>One verb of the command line.</summary>
/// <param name="Name">What the user types.</param>
/// <param name="Description">What it does, in one sentence.</param>
/// <param name="Options">The options that it understands.</param>
/// <param name="Examples">Whole command lines.</param>
/// <param name="Run">Does it.</param>
internal sealed record Verb(
    string Name, string Description, IReadOnlyList<Option> Options, IReadOnlyList<string> Examples, Func<CommandContext, ExitCode> Run)
{
    /// <summary>A word that may follow the verb without an option; a <see cref="FileArgument"/> where it names an input.</summary>
    public Argument<string?>? Argument { get; init; }

    /// <summary>Whether help leaves it out: it serves this program, not its user.</summary>
    public bool Hidden { get; init; }
}

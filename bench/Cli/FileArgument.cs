using System.CommandLine;

namespace EscNative.Bench.Cli;

/// <summary>An input file that may follow a verb without an option: no output may take its place.</summary>
internal sealed class FileArgument : Argument<string?>
{
    /// <summary>The argument <c>FILE</c>, which may be left away.</summary>
    public FileArgument(string description)
        : base("FILE")
    {
        Description = description;
        Arity = ArgumentArity.ZeroOrOne;
    }
}

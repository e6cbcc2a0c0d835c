using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace EscNative.Bench.Cli;

/// <summary>The parser's help with examples and exit codes after it.</summary>
internal sealed class HelpText(IReadOnlyList<Verb> verbs) : SynchronousCommandLineAction
{
    private readonly HelpAction _parts = new() { MaxWidth = 100 };

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var code = _parts.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        var verb = verbs.FirstOrDefault(v => v.Name == parseResult.CommandResult.Command.Name);
        output.WriteLine("Examples:");
        foreach (var example in verb?.Examples ?? [.. verbs.Where(v => !v.Hidden).Select(v => v.Examples[0])])
            output.WriteLine($"  {example}");
        output.WriteLine();
        if (verb is null)
        {
            output.WriteLine("Without a verb, report runs. Every option may also stand in the environment (ESC_FORGET_CLASS=4)");
            output.WriteLine("or in a JSON file (--config).");
            output.WriteLine();
        }

        output.WriteLine("Exit codes:");
        foreach (var (number, meaning) in Failure.Codes)
            output.WriteLine(FormattableString.Invariant($"  {(int)number,3}  {meaning}"));
        return code;
    }
}

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Measuring;
using EscNative.Bench.Micro;
using EscNative.Bench.Peers;
using EscNative.Bench.Verbs;
using EscNative.Bench.Workshop;

namespace EscNative.Bench;

/// <summary>The command line <c>escnative</c>.</summary>
internal sealed class Application
{
    private const string DefaultVerb = "report";

    private readonly OptionSet _options = new();
    private readonly Terminal _terminal;
    private readonly RootCommand _root;
    private readonly OptionLayers _layers;
    private readonly CancellationToken _cancel;

    /// <summary>The command line over a terminal.</summary>
    public Application(Terminal terminal, Func<string, string?> environment, CancellationToken cancel)
    {
        _terminal = terminal;
        _cancel = cancel;
        _root = new RootCommand("Erases classes from trained image classifiers (ESC, CVPR 2025) and measures what it costs and what is left.");
        var verbs = Verbs(_options);
        _root.Options.OfType<HelpOption>().Single().Action = new HelpText(verbs);
        _root.Options.OfType<VersionOption>().Single().Action = new VersionText();
        foreach (var verb in verbs)
            _root.Add(CommandOf(verb));
        _layers = new OptionLayers(_root, _options, environment);
    }

    /// <summary>Every verb, in the order of the help: one line each.</summary>
    public static IReadOnlyList<Verb> Verbs(OptionSet options) =>
    [
        ReportCommand.Verb(options),
        TrainCommand.Verb(options),
        UnlearnCommand.Verb(options),
        EvaluateCommand.Verb(options),
        MethodsCommand.Verb(options),
        ManifestCommand.Verb(options),
        InspectCommand.Verb(options),
        DoctorCommand.Verb(options),
        KernelsCommand.Verb(options),
        PeersCommand.Verb(options),
        MicroCommand.Verb(options),
        ExportCommand.Verb(options),
        BusyCore.Verb(options),
    ];

    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code.</returns>
    public int Run(IReadOnlyList<string> arguments)
    {
        // Numbers and messages read the same on every machine.
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
        try
        {
            var parsed = _layers.Parse(WithVerb(arguments));
            if (parsed.Errors.Count > 0)
                throw new UsageException(Complaint(parsed));
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                Output = _terminal.Output,
                Error = _terminal.Error,
            });
        }
        catch (Exception failure) when (failure is not StackOverflowException)
        {
            var (code, message) = Failure.Describe(failure);
            _terminal.Error.WriteLine("escnative: " + string.Join(Environment.NewLine, message.Split(Environment.NewLine).Select(PlainText.Of)));
            return (int)code;
        }
    }

    // Nothing, or an option first, means the main job.
    private IReadOnlyList<string> WithVerb(IReadOnlyList<string> arguments)
    {
        var first = arguments.Count > 0 ? arguments[0] : null;
        var own = first is not null && (!first.StartsWith('-') || _root.Options.Any(option => option.Name == first || option.Aliases.Contains(first)));
        return own ? arguments : [DefaultVerb, .. arguments];
    }

    private string Complaint(ParseResult parsed)
    {
        var verb = parsed.CommandResult.Command;
        var unknown = parsed.UnmatchedTokens;
        var help = verb == _root ? "escnative --help" : $"escnative {verb.Name} --help";
        if (unknown.Count == 0)
            return $"{parsed.Errors[0].Message} (see {help})";
        var word = unknown[0];
        if (verb == _root)
            return $"unknown verb '{word}'{Suggestion.For(word, _root.Subcommands.Where(v => !v.Hidden).Select(v => v.Name))} (see {help})";
        return word.StartsWith('-')
            ? $"{verb.Name}: unknown option '{word}'{Suggestion.For(word, verb.Options.Select(o => o.Name))} (see {help})"
            : $"{verb.Name}: unexpected '{word}'; the verb comes first, then its options (see {help})";
    }

    private Command CommandOf(Verb verb)
    {
        var command = new Command(verb.Name, verb.Description) { Hidden = verb.Hidden };
        if (verb.Argument is { } argument)
            command.Add(argument);
        foreach (var option in verb.Options)
            command.Add(option);
        command.SetAction(parsed =>
        {
            _terminal.Quiet = parsed.GetValue(_options.Quiet);
            return (int)verb.Run(new CommandContext(_options, parsed, _terminal, _layers.Layered, _cancel));
        });
        return command;
    }

    private sealed class VersionText : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(BuildInfo.Line);
            return (int)ExitCode.Ok;
        }
    }
}

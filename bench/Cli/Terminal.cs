using Spectre.Console;

namespace EscNative.Bench.Cli;

/// <summary>Where results and progress go: results to standard output, progress and errors to standard error.</summary>
#pragma warning disable CA1001 // Its buffer holds text alone; there is nothing to give back.
internal sealed class Terminal
#pragma warning restore CA1001
{
    // A file or pipe has no width of its own; this is what most people read it in.
    private const int DefaultWidth = 80;
    private const int NarrowestWidth = 40;

    private readonly int _redirectedWidth;
    private readonly Func<int> _errorWidth;
    private StringWriter? _buffer;
    private TextWriter _results;

    /// <summary>The process's own streams.</summary>
    public Terminal()
        : this(Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected, Environment.GetEnvironmentVariable, ConsoleWidth)
    {
    }

    internal Terminal(
        TextWriter output, TextWriter error, bool outputIsTerminal, bool errorIsTerminal, Func<string, string?> environment, Func<int>? errorWidth = null)
    {
        Error = error;
        var dumb = environment("TERM") == "dumb";
        var colour = outputIsTerminal && !dumb && string.IsNullOrEmpty(environment("NO_COLOR"));
        ErrorIsTerminal = errorIsTerminal;
        CanRewriteLines = errorIsTerminal && !dumb;
        _buffer = outputIsTerminal ? null : new StringWriter { NewLine = "\n" };
        Results = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(_buffer ?? output),
            Ansi = colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        _redirectedWidth = int.TryParse(environment("COLUMNS"), out var columns) && columns > 0 ? Math.Max(columns, NarrowestWidth) : DefaultWidth;
        _errorWidth = errorWidth ?? (() => 0);
        if (!outputIsTerminal)
            Results.Profile.Width = _redirectedWidth;
        Results.Profile.Capabilities.Unicode = !dumb && output.Encoding.WebName.StartsWith("utf", StringComparison.OrdinalIgnoreCase);
        Output = output;
        _results = output;
    }

    /// <summary>Results as plain lines.</summary>
    public TextWriter Output { get; }

    /// <summary>Results as tables; call <see cref="Flush"/> after them.</summary>
    public IAnsiConsole Results { get; private set; }

    /// <summary>Errors and progress.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether a person may be watching.</summary>
    public bool ErrorIsTerminal { get; }

    /// <summary>Whether a progress line may be written over.</summary>
    public bool CanRewriteLines { get; }

    /// <summary>The columns of the terminal that errors go to, at this moment; where it does not say, what a file gets.</summary>
    public int ErrorWidth => _errorWidth() is > 0 and var width ? width : _redirectedWidth;

    /// <summary>Whether the user asked for results only.</summary>
    public bool Quiet { get; set; }

    /// <summary>One line of results.</summary>
    public void WriteLine(string text = "") => _results.WriteLine(PlainText.Of(text));

    /// <summary>Standard output belongs to a file that the user asked for: results for people go to standard error, or with --quiet nowhere.</summary>
    public void LeaveOutput()
    {
        var unicode = Results.Profile.Capabilities.Unicode;
        _results = Quiet ? TextWriter.Null : Error;
        _buffer = new StringWriter { NewLine = "\n" };
        Results = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(_buffer),
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        Results.Profile.Width = _redirectedWidth;
        Results.Profile.Capabilities.Unicode = unicode;
    }

    /// <summary>Puts out what was written to <see cref="Results"/>. In a file or pipe no line ends with spaces, and one empty line is enough.</summary>
    public void Flush()
    {
        if (_buffer is not null)
        {
            var before = "";
            foreach (var line in _buffer.ToString().Trim('\n').Split('\n').Select(line => line.TrimEnd()))
            {
                if (line.Length > 0 || before.Length > 0)
                    _results.WriteLine(line);
                before = line;
            }

            _buffer.GetStringBuilder().Clear();
        }
    }

    /// <summary>A remark that is no result: a fallback, a file written. Not with --quiet.</summary>
    public void Note(string text)
    {
        if (!Quiet)
            Error.WriteLine(PlainText.Of(text));
    }

    // 0 where the terminal does not say.
    private static int ConsoleWidth()
    {
        try
        {
            return Console.WindowWidth;
        }
        catch (Exception unknown) when (unknown is IOException or PlatformNotSupportedException)
        {
            return 0;
        }
    }
}

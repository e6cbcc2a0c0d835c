using EscNative.Bench.Cli;
using EscNative.Bench.Screens;

namespace EscNative.Tests.Bench;

public sealed class TerminalTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly TextWriter _shared;
    private readonly Dictionary<string, string> _environment = [];

    // Progress writes from a timer's thread too: whoever holds the lock on this writer reads the text whole.
    public TerminalTests() => _shared = TextWriter.Synchronized(_error);

    public void Dispose()
    {
        _shared.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public void A_redirected_result_has_no_colours_and_no_trailing_spaces()
    {
        ConsoleReport.Write(Create(false, false), SampleResult.Create());
        var text = _output.ToString();
        Assert.Contains("97.50", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
        Assert.All(text.Split(Environment.NewLine), line => Assert.Equal(line.TrimEnd(), line));
    }

    [Theory]
    [InlineData("NO_COLOR", "1", false)]
    [InlineData("TERM", "dumb", false)]
    [InlineData("TERM", "xterm-256color", true)]
    public void Colours_are_for_terminals_that_want_them(string name, string value, bool expected)
    {
        _environment[name] = value;
        ConsoleReport.Write(Create(true, true), SampleResult.Create());
        Assert.Equal(expected, _output.ToString().Contains('\u001b', StringComparison.Ordinal));
    }

    [Fact]
    public void A_hostile_name_is_printed_without_its_control_characters()
    {
        ConsoleReport.Write(Create(false, false), SampleResult.Create("\u001b[2J\u0007[red]x[/]\u202E"));
        Assert.DoesNotContain('\u001b', _output.ToString());
        Assert.DoesNotContain('\u202E', _output.ToString());
        // Brackets are markup to the table library; in a name they are text.
        Assert.Contains("[red]x[/]", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Progress_in_a_terminal_is_one_line_that_is_cleared()
    {
        using (var line = new ProgressLine(Create(true, true)))
        {
            line.Report("train", 0.5, "epoch 1");
            Assert.Matches(@"train 50 %, [0-9]+ s, [0-9]+ s left \[############............\] epoch 1", _error.ToString());
        }

        Assert.EndsWith("\r", _error.ToString(), StringComparison.Ordinal);
        Assert.Empty(_output.ToString());
    }

    [Theory]
    [InlineData(120)]
    [InlineData(60)]
    [InlineData(40)]
    [InlineData(20)]
    public void Progress_is_never_wider_than_the_terminal_and_says_what_and_how_long(int width)
    {
        using (var line = new ProgressLine(Create(true, true, width)))
            line.Report("evaluate", 0.5, "retrain: a linear head on features of the training images, trained to the end");
        var shown = _error.ToString().Split('\r', StringSplitOptions.RemoveEmptyEntries)[0];
        Assert.StartsWith("evaluate 50 %, ", shown, StringComparison.Ordinal);
        Assert.InRange(shown.Length, 10, width - 1);
    }

    [Theory]
    [InlineData(false, "xterm")]
    [InlineData(true, "dumb")]
    public void Without_a_terminal_a_plain_line_comes_every_so_often(bool isTerminal, string term)
    {
        _environment["TERM"] = term;
        using (var line = new ProgressLine(Create(true, isTerminal)))
        {
            line.Report("train", 0.25);
            line.Report("train", 0.5);
        }

        // What takes less than ten seconds says nothing.
        Assert.Empty(_error.ToString());
        using (var line = new ProgressLine(Create(true, isTerminal), TimeSpan.FromMilliseconds(20)))
        {
            line.Report("train", 0.25, "epoch 1");
            Assert.True(SpinWait.SpinUntil(() => Lines().Length > 1, TimeSpan.FromSeconds(30)));
        }

        Assert.All(Lines(), line => Assert.Matches("^train 25 %, [0-9]+ s, [0-9]+ s left: epoch 1$", line));
        Assert.DoesNotContain('\r', _error.ToString().Replace(Environment.NewLine, "", StringComparison.Ordinal));

        string[] Lines()
        {
            lock (_shared)
                return _error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        }
    }

    [Fact]
    public void Quiet_means_no_progress()
    {
        var quiet = Create(true, true);
        quiet.Quiet = true;
        using (var line = new ProgressLine(quiet, TimeSpan.FromMilliseconds(1)))
            line.Report("train", 0.5);
        Assert.Empty(_error.ToString());
    }

    [Fact]
    public void Remarks_go_to_the_error_stream_and_not_with_quiet()
    {
        var terminal = Create(false, false);
        terminal.Note("a remark");
        terminal.Quiet = true;
        terminal.Note("another");
        Assert.Equal("a remark" + Environment.NewLine, _error.ToString());
        Assert.Empty(_output.ToString());
    }

    private Terminal Create(bool outputIsTerminal, bool errorIsTerminal, int width = 100) =>
        new(_output, _shared, outputIsTerminal, errorIsTerminal, _environment.GetValueOrDefault, () => width);
}

using EscNative.Bench.Cli;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

public sealed class TerminalTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose()
    {
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
    public void Progress_is_shown_only_where_somebody_watches()
    {
        using (var hidden = new ProgressLine(Create(true, false)))
            hidden.Report("train", 0.5);
        Assert.Empty(_error.ToString());

        var quiet = Create(true, true);
        quiet.Quiet = true;
        using (var line = new ProgressLine(quiet))
            line.Report("train", 0.5);
        Assert.Empty(_error.ToString());

        using (var line = new ProgressLine(Create(true, true)))
        {
            line.Report("train", 0.5, "epoch 1");
            Assert.Contains(" 50 % epoch 1", _error.ToString(), StringComparison.Ordinal);
        }

        Assert.EndsWith("\r", _error.ToString(), StringComparison.Ordinal);
        Assert.Empty(_output.ToString());
    }

    [Fact]
    public void A_dumb_terminal_gets_lines_that_are_never_rewritten()
    {
        _environment["TERM"] = "dumb";
        using (var line = new ProgressLine(Create(true, true)))
        {
            line.Report("train", 0.25);
            line.Report("train", 0.5);
        }

        Assert.DoesNotContain('\r', _error.ToString().Replace(Environment.NewLine, "", StringComparison.Ordinal));
        Assert.Single(_error.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
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

    private Terminal Create(bool outputIsTerminal, bool errorIsTerminal) =>
        new(_output, _error, outputIsTerminal, errorIsTerminal, _environment.GetValueOrDefault);
}

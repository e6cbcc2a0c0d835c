using System.Diagnostics;

namespace EscNative.Bench.Cli;

/// <summary>One line on standard error that says how far a long step is; nothing where nobody watches.</summary>
/// <remarks>On a terminal that cannot rewrite a line (TERM=dumb) a new line appears every few seconds instead.</remarks>
internal sealed class ProgressLine : IDisposable
{
    private const int BarWidth = 24;
    private const int MaximumWidth = 100;
    private static readonly TimeSpan Rewrite = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan NewLine = TimeSpan.FromSeconds(5);

    private readonly Terminal _terminal;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private TimeSpan? _last;
    private int _length;
    private string _step = "";
    private TimeSpan _stepStart;

    /// <summary>Progress of a command.</summary>
    public ProgressLine(Terminal terminal) => _terminal = terminal;

    /// <summary>Shows where a step is.</summary>
    /// <param name="step">Its name.</param>
    /// <param name="share">0 to 1.</param>
    /// <param name="detail">What else to say.</param>
    public void Report(string step, double share, string detail = "")
    {
        if (!_terminal.ErrorIsTerminal || _terminal.Quiet)
            return;
        lock (_lock)
        {
            var now = _clock.Elapsed;
            if (step != _step)
            {
                _step = step;
                _stepStart = now;
                _last = null;
            }

            if (_last is { } last && now - last < (_terminal.CanRewriteLines ? Rewrite : NewLine))
                return;
            _last = now;
            Show(step, Math.Clamp(share, 0, 1), detail, now - _stepStart);
        }
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_length > 0)
                _terminal.Error.Write('\r' + new string(' ', _length) + '\r');
            _length = 0;
        }
    }

    private void Show(string step, double share, string detail, TimeSpan spent)
    {
        var filled = (int)(share * BarWidth);
        var left = share > 0.02 ? FormattableString.Invariant($", {spent.TotalSeconds * (1 - share) / share:0} s left") : "";
        var line = PlainText.Of(FormattableString.Invariant(
            $"{step,-12} [{new string('#', filled)}{new string('.', BarWidth - filled)}] {share * 100,3:0} % {detail}{left}"));
        if (!_terminal.CanRewriteLines)
        {
            _terminal.Error.WriteLine(line);
            return;
        }

        // A line that wraps cannot be rewritten.
        if (line.Length > MaximumWidth)
            line = line[..MaximumWidth];
        _terminal.Error.Write('\r' + line.PadRight(_length));
        _length = line.Length;
    }
}

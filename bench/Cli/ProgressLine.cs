using System.Diagnostics;

namespace EscNative.Bench.Cli;

/// <summary>One line on standard error that says what a long step does, how far it is and how long it takes.</summary>
/// <remarks>
/// On a terminal the line is written over and never longer than the terminal is wide. Where standard error is none (or TERM=dumb), a plain line
/// appears every 10 seconds: a log then shows that something happens, and a short command says nothing.
/// </remarks>
internal sealed class ProgressLine : IDisposable
{
    private const int BarWidth = 24;
    private const int LeastBar = 8;
    private const double LeastShare = 0.02;
    private static readonly TimeSpan Rewrite = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Terminal _terminal;
    private readonly TimeSpan _every;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private readonly Timer? _timer;
    private TimeSpan _last;
    private int _length;
    private string _step = "";
    private string _detail = "";
    private double _share;
    private TimeSpan _stepStart;
    private bool _disposed;

    /// <summary>Progress of a command.</summary>
    /// <param name="terminal">Where to write.</param>
    public ProgressLine(Terminal terminal)
        : this(terminal, TimeSpan.FromSeconds(10))
    {
    }

    /// <param name="terminal">Where to write.</param>
    /// <param name="every">How often a plain line appears.</param>
    internal ProgressLine(Terminal terminal, TimeSpan every)
    {
        (_terminal, _every) = (terminal, every);
        if (terminal.Quiet)
            return;
        // A step that reports nothing for a while is not dead: its time goes on.
        var period = terminal.CanRewriteLines ? Tick : every;
        _timer = new Timer(_ => Again(), null, period, period);
    }

    /// <summary>Shows where a step is.</summary>
    /// <param name="step">Its name.</param>
    /// <param name="share">0 to 1.</param>
    /// <param name="detail">What else to say.</param>
    public void Report(string step, double share, string detail = "")
    {
        if (_terminal.Quiet)
            return;
        lock (_lock)
        {
            var now = _clock.Elapsed;
            var isNew = step != _step;
            if (isNew)
                (_step, _stepStart) = (step, now);
            (_share, _detail) = (Math.Clamp(share, 0, 1), detail);
            if (_terminal.CanRewriteLines ? isNew || now - _last >= Rewrite : now - _last >= _every)
                Show(now);
        }
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            if (_length > 0)
                _terminal.Error.Write('\r' + new string(' ', _length) + '\r');
            _length = 0;
        }

        _timer?.Dispose();
    }

    private void Again()
    {
        lock (_lock)
        {
            if (!_disposed && _step.Length > 0)
                Show(_clock.Elapsed);
        }
    }

    private void Show(TimeSpan now)
    {
        _last = now;
        var line = PlainText.Of(Line(now - _stepStart));
        if (!_terminal.CanRewriteLines)
        {
            _terminal.Error.WriteLine(line);
            return;
        }

        _terminal.Error.Write('\r' + line.PadRight(_length));
        _length = line.Length;
    }

    // What and how long stand first: they are never cut.
    private string Line(TimeSpan spent)
    {
        var left = _share > LeastShare ? $", {Time(spent * ((1 - _share) / _share))} left" : "";
        var facts = FormattableString.Invariant($"{_step} {_share * 100:0} %, {Time(spent)}{left}");
        if (!_terminal.CanRewriteLines)
            return _detail.Length > 0 ? $"{facts}: {_detail}" : facts;
        // The last column stays free: many terminals wrap as soon as it is written.
        var width = _terminal.ErrorWidth - 1;
        var bar = Math.Min(BarWidth, width - facts.Length - _detail.Length - 4);
        if (bar < LeastBar)
            bar = Math.Min(LeastBar, width - facts.Length - 4);
        var line = facts;
        if (bar >= LeastBar)
        {
            var filled = (int)(_share * bar);
            line += $" [{new string('#', filled)}{new string('.', bar - filled)}]";
        }

        if (_detail.Length > 0)
            line += " " + _detail;
        return line.Length > width ? line[..Math.Max(width, 0)] : line;
    }

    private static string Time(TimeSpan time) => time.TotalSeconds < 90
        ? FormattableString.Invariant($"{time.TotalSeconds:0} s")
        : FormattableString.Invariant($"{time.TotalMinutes:0} min");
}

using System.Diagnostics;
using EscNative.Bench.Measuring;

namespace EscNative.Bench.Peers;

/// <summary>What everybody else does while one side is measured.</summary>
/// <param name="peers">The peers, who wait while another side is measured.</param>
/// <param name="sides">How many sides there are.</param>
internal sealed class LoadWatch(IReadOnlyList<IPeer> peers, int sides) : IDisposable
{
    private readonly Process _own = Process.GetCurrentProcess();
    private readonly List<double>[] _waiting = [.. Enumerable.Range(0, sides).Select(_ => new List<double>())];
    private double _wall;
    private double _busy;
    private double _known;

    /// <summary>The share of the machine that foreign processes used; NaN where the system does not say.</summary>
    public double OthersShare => Math.Max(0, (_busy - _known) / (_wall * Environment.ProcessorCount));

    /// <summary>The share of a core that those who had to wait used, in the median over a side's measurements, for the worst side.</summary>
    public double WaitingShare => _waiting.Where(shares => shares.Count > 0).Select(Sampling.Median).DefaultIfEmpty().Max();

    /// <summary>Watches until the window is disposed of.</summary>
    /// <param name="side">Who is measured.</param>
    /// <param name="measured">Its process, or null for this one.</param>
    public Window Over(int side, IPeer? measured) => new(this, side, measured);

    public void Dispose() => _own.Dispose();

    private double Own()
    {
        _own.Refresh();
        return _own.TotalProcessorTime.TotalSeconds;
    }

    private double[] Peers() => [.. peers.Select(peer => peer.ProcessorTime.TotalSeconds)];

    private void Add(int side, IPeer? measured, double wall, double busy, double own, double[] others)
    {
        _wall += wall;
        _busy += busy;
        _known += own + others.Sum();
        var waiting = measured is null ? others.Sum() : own + others.Where((_, i) => peers[i] != measured).Sum();
        _waiting[side].Add(waiting / wall);
    }

    /// <summary>One measurement.</summary>
    public readonly struct Window : IDisposable
    {
        private readonly LoadWatch _watch;
        private readonly int _side;
        private readonly IPeer? _measured;
        private readonly double[] _peers;
        private readonly double _own;
        private readonly double _busy;
        private readonly long _start;

        internal Window(LoadWatch watch, int side, IPeer? measured)
        {
            (_watch, _side, _measured) = (watch, side, measured);
            (_peers, _own, _busy) = (watch.Peers(), watch.Own(), MachineLoad.BusySeconds());
            _start = Stopwatch.GetTimestamp();
        }

        public void Dispose()
        {
            var wall = Stopwatch.GetElapsedTime(_start).TotalSeconds;
            var before = _peers;
            _watch.Add(
                _side, _measured, wall, MachineLoad.BusySeconds() - _busy, _watch.Own() - _own, [.. _watch.Peers().Select((seconds, i) => seconds - before[i])]);
        }
    }
}

using System.Globalization;

namespace EscNative.Bench.Peers;

/// <summary>How busy the whole machine is, every process counted.</summary>
internal static class MachineLoad
{
    private const string StatusFile = "/proc/stat";
    private const double TicksPerSecond = 100;

    /// <summary>Processor seconds that all processes have used since the start; NaN where the system does not say.</summary>
    public static double BusySeconds()
    {
        if (!File.Exists(StatusFile))
            return double.NaN;
        // cpu user nice system idle iowait irq softirq steal: busy is all but idle and iowait.
        var ticks = File.ReadLines(StatusFile).First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8)
            .Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return (ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond;
    }
}

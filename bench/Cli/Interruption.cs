using System.Globalization;
using System.Runtime.InteropServices;

namespace EscNative.Bench.Cli;

/// <summary>Ctrl-C, a closed terminal and the like: the first one asks for a clean end, the second one ends the process at once.</summary>
/// <remarks>Either way no temporary file stays. A signal that this process was started without, as nohup does, stays ignored.</remarks>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    /// <summary>Listens to the terminal's and the system's request to stop.</summary>
    /// <param name="notify">Told once, when the first one comes.</param>
    public Interruption(Action notify)
    {
        var ignored = Ignored();
        foreach (var (signal, number) in new[] { (PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1), (PosixSignal.SIGQUIT, 3) })
        {
            if ((ignored >> (number - 1) & 1) != 0)
                continue;
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (Interlocked.Increment(ref _signals) > 1)
                    Environment.Exit((int)ExitCode.Cancelled);
                notify();
                _source.Cancel();
            }));
        }
    }

    /// <summary>Cancelled by the first request.</summary>
    public CancellationToken Token => _source.Token;

    // A bit for each signal, from the first.
    private static ulong Ignored()
    {
        const string status = "/proc/self/status", field = "SigIgn:";
        if (!File.Exists(status))
            return 0;
        var line = File.ReadLines(status).FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
        return line is not null && ulong.TryParse(line.AsSpan(field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var bits) ? bits : 0;
    }

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }
}

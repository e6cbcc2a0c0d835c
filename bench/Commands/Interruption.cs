using System.Runtime.InteropServices;

namespace EscNative.Bench.Commands;

/// <summary>Ctrl-C: the first one asks for a clean end, the second one ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    /// <summary>Listens to the terminal's and the system's request to stop.</summary>
    /// <param name="notify">Told once, when the first one comes.</param>
    public Interruption(Action notify)
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
        {
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

    /// <summary>Stops listening.</summary>
    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }
}

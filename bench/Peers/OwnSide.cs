namespace EscNative.Bench.Peers;

/// <summary>One way in which this engine does a workload.</summary>
/// <param name="Variant">What is special about it.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="BusyCore">Whether another process keeps a core busy meanwhile.</param>
/// <param name="Measure">Computes for at least some seconds; returns the median seconds of a call.</param>
internal sealed record OwnSide(string Variant, int Threads, bool BusyCore, Func<double, double> Measure);

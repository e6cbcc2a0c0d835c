using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Bench.Workshop;

/// <summary>Measures operations on a GPU between two events, after warming up. An emulated device only runs them.</summary>
/// <param name="device">The GPU.</param>
internal sealed class CudaWorkshop(Device device)
{
    private const int Samples = 20;
    private const int Warmup = 3;

    // Long enough that the two events and the launches before the first do not show.
    private const double SampleMilliseconds = 2;
    private const int MostCalls = 1000;

    private readonly CudaContext _context = ((CudaBackend)device.Backend).Context;

    /// <summary>The times of a call in milliseconds; none on an emulated device.</summary>
    public double[] Measure(CudaKernelCase kernel, CancellationToken cancel)
    {
        using var run = kernel.Prepare();
        run.Issue();
        device.Synchronize();
        if (device.IsEmulated)
            return [];
        using var start = new CudaEvent(_context, timing: true);
        using var end = new CudaEvent(_context, timing: true);
        for (var i = 0; i < Warmup; i++)
            Time(run, start, end, 1);
        var calls = (int)Math.Clamp(SampleMilliseconds / Math.Max(Time(run, start, end, 1), 1e-3), 1, MostCalls);
        var samples = new double[Samples];
        for (var i = 0; i < samples.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            samples[i] = Time(run, start, end, calls);
        }

        return samples;
    }

    /// <summary>Measures all of them; the ceilings come from rows of their own kind.</summary>
    public CudaKernelsResult Measure(IReadOnlyList<CudaKernelCase> cases, Action<int> progress, CancellationToken cancel)
    {
        var samples = new double[cases.Count][];
        for (var i = 0; i < samples.Length; i++)
        {
            progress(i);
            samples[i] = Measure(cases[i], cancel);
        }

        double[] times = [.. samples.Select(s => s.Length > 0 ? Sampling.Median(s) : double.NaN)];

        double Best(Func<CudaKernelCase, double> rate) => cases.Zip(times, (c, ms) => rate(c) / ms).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Max();
        var copy = Best(c => c.Name.StartsWith(CudaKernelCases.CopyName, StringComparison.Ordinal) ? c.Bytes / 1e6 : double.NaN);
        var f32 = Best(c => c.Name.StartsWith(CudaKernelCases.ProductName, StringComparison.Ordinal) && !c.Double ? c.Flops / 1e9 : double.NaN);
        var f64 = Best(c => c.Name.StartsWith(CudaKernelCases.ProductName, StringComparison.Ordinal) && c.Double ? c.Flops / 1e9 : double.NaN);
        var model = GpuModel.Of(device);
        var rows = cases.Zip(times, samples).Select(row =>
        {
            var (c, ms, all) = row;
            var (tflops, bandwidth) = (c.Flops == 0 ? double.NaN : c.Flops / ms / 1e9, c.Bytes / ms / 1e6);
            var shares = new[] { tflops / (c.Double ? f64 : f32), bandwidth / copy }.Where(double.IsFinite);
            return new CudaKernelRow(c.Name, ms, tflops, bandwidth, shares.DefaultIfEmpty(double.NaN).Max(), all.Length, model is null ? double.NaN : 1e3 * c.Predict(model))
            {
                SamplesMs = all.Length > 0 ? all : null,
            };
        });
        var (major, minor) = _context.ComputeCapability;
        return new CudaKernelsResult(
            _context.Name, device.IsEmulated, $"{major}.{minor}", CudaRuntime.DriverVersion?.ToString() ?? "unknown", copy, f32, f64, [.. rows], model?.Name);
    }

    private double Time(CudaKernelRun run, CudaEvent start, CudaEvent end, int calls)
    {
        start.Record(_context.Stream);
        for (var i = 0; i < calls; i++)
            run.Issue();
        end.Record(_context.Stream);
        end.Synchronize();
        return end.MillisecondsSince(start) / calls;
    }
}

using System.Globalization;
using EscNative.Bench.Reports;
using EscNative.Engine;
using EscNative.Engine.Plans;

namespace EscNative.Bench.Workshop;

/// <summary>A predicted time.</summary>
/// <param name="Group">The table that it stands in.</param>
/// <param name="Name">What takes it; as the workshop on a GPU calls it, where that measures it.</param>
/// <param name="How">What decides it.</param>
/// <param name="Seconds">How long.</param>
internal sealed record Prediction(string Group, string Name, string How, double Seconds);

/// <summary>What the standard workloads are predicted to take: the tables of docs/gpu-model.md and of <c>kernels --predict</c>.</summary>
internal static class Predictions
{
    private const int Images = 5000;
    private const int ImageBytes = 3 * 32 * 32;
    private const int Batch = 64;
    private const int Classes = 10;

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Prediction> Of(GpuModel gpu)
    {
        var rows = new List<Prediction>();
        foreach (var kernel in CudaKernelCases.Operations(Device.Cpu, small: false))
            rows.Add(new Prediction("Operations", kernel.Name, "", kernel.Predict(gpu)));
        var networks = new (string Name, int Directions, IReadOnlyList<PlanStepInfo> Steps)[]
        {
            ("All-CNN 0.5", 1, ReferenceNetworks.DescribeAllCnn(32, 48)),
            ("All-CNN 1.0", 2, ReferenceNetworks.DescribeAllCnn(32, 96)),
            ("ResNet-18 (32 pixels)", 7, ReferenceNetworks.DescribeResNet18(32, 64)),
        };
        foreach (var (name, _, steps) in networks)
            Layers(rows, gpu, name, steps);
        var erasure = new ErasureTime(gpu);
        foreach (var (name, directions, steps) in networks)
        {
            var (network, d) = (new NetworkTime(gpu, steps), (int)steps[^1].Output.Count);
            var chunk = network.Chunk();
            rows.Add(new Prediction(
                "Whole passes", CudaKernelCases.ForwardName(name, Images), Invariant($"chunks of {chunk}"), network.Forward(Images, chunk)));
            rows.Add(new Prediction(
                "Whole passes", CudaKernelCases.EraseName(name, Images, directions), "images on the device",
                network.Forward(Images, chunk) + erasure.Gram(Images, d) + erasure.Directions(d, directions)));
            var parts = erasure.Request(steps, Images, ImageBytes, d, directions);
            foreach (var (part, seconds) in parts)
                rows.Add(new Prediction(Invariant($"A request of {Images:N0} images, {name}"), part, "", seconds));
            rows.Add(new Prediction(
                Invariant($"A request of {Images:N0} images, {name}"), "together", Invariant($"chunks of {network.Chunk(Images)}"), parts.Sum(p => p.Seconds)));
        }

        foreach (var (n, d, k) in CudaKernelCases.Features)
        {
            rows.Add(new Prediction(
                "Solver and ESC-T", CudaKernelCases.DirectionsName(n, d, k), d <= 128 ? "the host decomposes it" : Invariant($"{ErasureTime.Rounds} rounds"),
                erasure.Gram(n, d) + erasure.Directions(d, k)));
        }

        foreach (var d in new[] { 96, 192, 512 })
        {
            rows.Add(new Prediction(
                "Solver and ESC-T", Invariant($"ESC-T, an epoch of {Images:N0} features of {d}"), Invariant($"batch {Batch}, {Classes} classes"),
                erasure.EscTEpoch(Images, d, Classes, Batch)));
        }

        return rows;
    }

    /// <summary>The tables of the page, in Markdown.</summary>
    public static string Markdown(GpuModel gpu)
    {
        var text = new List<string>();
        foreach (var group in Of(gpu).GroupBy(p => p.Group))
        {
            text.Add($"### {group.Key}\n");
            text.Add("| what | how | predicted ms |\n|---|---|---|");
            text.AddRange(group.Select(p => $"| {p.Name} | {p.How} | {Numbers.Short(1e3 * p.Seconds)} |"));
            text.Add("");
        }

        return string.Join('\n', text).Trim();
    }

    // A chunk, step by step.
    private static void Layers(List<Prediction> rows, GpuModel gpu, string name, IReadOnlyList<PlanStepInfo> steps)
    {
        var network = new NetworkTime(gpu, steps);
        var chunk = network.Chunk();
        foreach (var (step, i) in steps.Select((s, i) => (s, i)))
        {
            var seconds = network.Step(step, chunk);
            var how = network.Kernel(step, chunk) is { } t
                ? Invariant($"{t.Blocks:N0} tiles of {t.Kernel.Rows}x{t.Kernel.Columns}, {Numbers.Short((double)t.Blocks / gpu.Shape.Multiprocessors)} a multiprocessor, {Numbers.Short(chunk * step.Flops / seconds / 1e12)} TFLOP/s")
                : "memory";
            rows.Add(new Prediction(Invariant($"{name}, a chunk of {chunk} images"), Invariant($"{i + 1}: {step.Kind} to {step.Output}"), how, seconds));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

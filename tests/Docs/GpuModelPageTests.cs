using EscNative.Bench.Workshop;
using EscNative.Engine;

namespace EscNative.Tests.Docs;

/// <summary>docs/gpu-model.md holds what the program predicts; with <c>ESC_RECORD=1</c> it is written anew.</summary>
public sealed class GpuModelPageTests
{
    private const string Begin = "<!-- the tables are made by the program -->";
    private const string End = "<!-- end of the tables -->";

    private static readonly Lazy<IReadOnlyList<Prediction>> Rows = new(() => Predictions.Of(GpuModel.H200));

    [Fact]
    public void The_page_is_what_the_program_predicts()
    {
        var path = Path.Combine(Repository.Root, "docs", "gpu-model.md");
        var text = File.ReadAllText(path).ReplaceLineEndings("\n");
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, "the marks of the tables are gone");
        var tables = Predictions.Markdown(GpuModel.H200);
        if (Environment.GetEnvironmentVariable("ESC_RECORD") == "1")
            File.WriteAllText(path, $"{text[..(begin + Begin.Length)]}\n\n{tables}\n\n{text[end..]}");
        else
            Assert.True(tables == text[(begin + Begin.Length)..end].Trim(), $"docs/gpu-model.md is not what the program predicts: run this test with ESC_RECORD=1\n{tables}");
    }

    [Fact]
    public void Every_prediction_is_a_time_and_none_beats_the_arithmetic()
    {
        Assert.All(Rows.Value, row => Assert.True(double.IsFinite(row.Seconds) && row.Seconds > 1e-7, row.ToString()));
        Assert.Distinct(Rows.Value.Select(r => (r.Group, r.Name)));
        // Two for each lane and clock, and twice that where tensor cores multiply in float64.
        var peak = 2.0 * 128 * GpuModel.H200.Shape.Multiprocessors * GpuModel.H200.Hertz;
        foreach (var kernel in CudaKernelCases.Operations(Device.Cpu, small: false))
        {
            var seconds = kernel.Predict(GpuModel.H200);
            Assert.True(kernel.Flops / seconds <= peak && kernel.Bytes / seconds <= GpuModel.H200.BytesPerSecond, $"{kernel.Name}: {seconds:E2} s");
        }
    }

    [Fact]
    public void A_smaller_device_is_never_predicted_faster()
    {
        var smaller = GpuModel.H200 with { Shape = GpuModel.H200.Shape with { Multiprocessors = 66 }, BytesPerSecond = 2e12 };
        foreach (var (large, small) in CudaKernelCases.Operations(Device.Cpu, small: false).Select(c => (c.Predict(GpuModel.H200), c.Predict(smaller))))
            Assert.True(large <= small, $"{large} and {small}");
    }

    [Theory]
    [InlineData("All-CNN 0.5", 85)]
    [InlineData("ResNet-18 (32 pixels)", 42)]
    public void The_chunk_is_predicted_to_pay(string name, int before)
    {
        var steps = name.StartsWith("All", StringComparison.Ordinal) ? ReferenceNetworks.DescribeAllCnn(32, 48) : ReferenceNetworks.DescribeResNet18(32, 64);
        var network = new NetworkTime(GpuModel.H200, steps);
        Assert.True(network.Forward(5000, network.Chunk()) <= 0.7 * network.Forward(5000, before));
        Assert.True(network.Forward(5000, network.Chunk(5000)) <= 1.02 * network.Forward(5000, network.Chunk()));
    }

    [Fact]
    public void Rows_are_called_as_the_workshop_calls_them()
    {
        var names = Rows.Value.Select(r => r.Name).ToHashSet();
        foreach (var kernel in CudaKernelCases.Operations(Device.Cpu, small: false))
            Assert.Contains(kernel.Name, names);
        Assert.Contains("forward of All-CNN 0.5, 5,000 images, F32", names);
        Assert.Contains("Gram matrix and 7 leading directions of 5,000 x 512 features", names);
        Assert.Contains("ESC of ResNet-18 (32 pixels): forward of 5,000 images, Gram matrix, 7 directions", names);
        Assert.Null(GpuModel.Of(Device.Cpu));
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace EscNative.Tests.Bench.Exports;

/// <summary>BenchmarkDotNet's full report as its readers bind it: a field of another type, or one that they do not know, throws.</summary>
internal static class BenchmarkDotNetReader
{
    private static readonly JsonSerializerOptions Strict = new() { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    public static void Read(string text)
    {
        var report = JsonSerializer.Deserialize<Report>(text, Strict)!;
        Assert.NotEmpty(report.Title);
        Assert.NotEmpty(report.Benchmarks);
        Assert.Equal(report.Benchmarks.Count, report.Benchmarks.Select(benchmark => benchmark.FullName).Distinct().Count());
        Assert.All(report.Benchmarks, benchmark =>
        {
            Assert.Equal(benchmark.Statistics.N, benchmark.Statistics.OriginalValues.Count);
            Assert.Equal(benchmark.Statistics.OriginalValues, benchmark.Measurements.Where(m => m.IterationStage == "Result").Select(m => m.Nanoseconds / m.Operations));
            Assert.InRange(benchmark.Statistics.Median, benchmark.Statistics.Min, benchmark.Statistics.Max);
        });
    }

    private sealed record Report(string Title, Host HostEnvironmentInfo, List<Benchmark> Benchmarks);

    private sealed record Host(
        string BenchmarkDotNetCaption, string BenchmarkDotNetVersion, string OsVersion, string ProcessorName, int? PhysicalProcessorCount, int? PhysicalCoreCount,
        int? LogicalCoreCount, string RuntimeVersion, string Architecture, bool HasAttachedDebugger, bool HasRyuJit, string Configuration, string? DotNetCliVersion,
        Frequency ChronometerFrequency, string HardwareTimerKind);

    private sealed record Frequency(long Hertz);

    private sealed record Benchmark(
        string DisplayInfo, string Namespace, string Type, string Method, string MethodTitle, string Parameters, string FullName, string HardwareIntrinsics,
        Numbers Statistics, object? Memory, List<Measurement> Measurements);

    private sealed record Measurement(string IterationMode, string IterationStage, int LaunchIndex, int IterationIndex, long Operations, double Nanoseconds);

    private sealed record Numbers(
        List<double> OriginalValues, int N, double Min, double LowerFence, double Q1, double Median, double Mean, double Q3, double UpperFence, double Max, double InterquartileRange,
        List<double> LowerOutliers, List<double> UpperOutliers, List<double> AllOutliers, double StandardError, double Variance, double StandardDeviation, double? Skewness,
        double? Kurtosis, Interval? ConfidenceInterval, Percentiles Percentiles);

    private sealed record Interval(int N, double Mean, double StandardError, int Level, double Margin, double Lower, double Upper);

    private sealed record Percentiles(double P0, double P25, double P50, double P67, double P80, double P85, double P90, double P95, double P100);
}

namespace EscNative.Bench.Reports;

/// <summary>The benchmarks as a section of a report.</summary>
internal static class MicroSections
{
    public static Section Of(MicroResult result) => new(
        "Micro benchmarks",
        new TextTable(
            ["suite", "benchmark", "parameters", " mean us", " median us", " error us", " allocated B", " iterations"],
            [.. result.Rows.Select(r => (IReadOnlyList<string>)
            [
                r.Suite, r.Name, r.Parameters, Numbers.Short(r.MeanNanoseconds / 1e3), Numbers.Short(r.MedianNanoseconds / 1e3), Numbers.Short(r.ErrorNanoseconds / 1e3),
                r.AllocatedBytes is { } bytes ? Numbers.Count(bytes) : "-", Numbers.Count(r.Iterations),
            ])]),
        [$"{result.Engine}, job {result.Job}, in this process. Error: half of the 99.9 % confidence interval. Allocated: managed memory of one operation."]);
}

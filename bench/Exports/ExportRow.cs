namespace EscNative.Bench.Exports;

/// <summary>Which way a value is better.</summary>
internal enum Better
{
    /// <summary>As a time is.</summary>
    Smaller,

    /// <summary>As a rate is.</summary>
    Larger,

    /// <summary>Neither way: a metric that is to be as Retrain's.</summary>
    Neither,
}

/// <summary>What a row measures; docs/exports.md gives the words of each format for it.</summary>
internal enum Measure
{
    /// <summary>Seconds.</summary>
    Time,

    /// <summary>Bytes.</summary>
    Memory,

    /// <summary>A time divided by another one of the same run.</summary>
    Ratio,

    /// <summary>A metric of a model, in its own unit.</summary>
    Metric,
}

/// <summary>One figure of a result, under a name that does not change from run to run.</summary>
/// <param name="Name">Where it comes from: <c>report/stage/forward</c>.</param>
/// <param name="Measure">What it measures.</param>
/// <param name="Unit">s, B, %, or empty.</param>
/// <param name="Better">Which way is better.</param>
/// <param name="Value">The figure to quote: of samples the median.</param>
internal sealed record ExportRow(string Name, Measure Measure, string Unit, Better Better, double Value)
{
    /// <summary>The lower end of what the result states as its spread or interval, if it does.</summary>
    public double? Low { get; init; }

    /// <summary>The upper end.</summary>
    public double? High { get; init; }

    /// <summary>Every run, in order and in the row's unit; empty where the result does not hold them.</summary>
    public IReadOnlyList<double> Samples { get; init; } = [];

    /// <summary>Threads that computed.</summary>
    public int Threads { get; init; } = 1;
}

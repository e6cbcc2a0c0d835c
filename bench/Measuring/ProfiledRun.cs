using EscNative.Models;

namespace EscNative.Bench.Measuring;

/// <summary>One run of a request, cut into stages.</summary>
/// <param name="Total">Milliseconds from start to end, by a clock of its own.</param>
/// <param name="Stages">What each stage cost, in the order in which they began.</param>
internal sealed record ProfiledRun(double Total, IReadOnlyList<StageTime> Stages)
{
    /// <summary>Milliseconds of all stages together: <see cref="Total"/> but for what lies outside the stages.</summary>
    public double Sum => Stages.Sum(stage => stage.Seconds) * 1000;

    /// <summary>Milliseconds of a stage; 0 for one that did not run.</summary>
    public double Milliseconds(string stage) => Stages.FirstOrDefault(s => s.Name == stage).Seconds * 1000;
}

using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>
/// SPLINCE: erases "is forgotten" like LEACE and keeps the covariance with the remaining classes (Holstege, Ravfogel, Wouters,
/// NeurIPS 2025, arXiv 2506.10703).
/// </summary>
/// <remarks>
/// Cov(r(x), z) = 0 and Cov(r(x), y) = Cov(x, y), with z one column for each forgotten class or one for all of them, and y one column
/// for each remaining class but the last: all of them and z sum to one, so that one column follows from the others. The classes of a
/// request for images are all of them. No published default exists for the bound on angles.
/// </remarks>
public sealed class Splince : FeatureMethod
{
    private static readonly MethodParameter[] Known =
    [
        new("per-class", 1, "1: a concept column for each forgotten class; 0: one for all of them") { Maximum = 1, IsWhole = true },
        new("smallest-sine", 1e-3, "concept directions whose angle to the task's has a sine up to this stay (ours)") { Maximum = 1 },
    ];

    /// <inheritdoc/>
    public override string Name => "splince";

    /// <inheritdoc/>
    public override string Description => "SPLINCE: erase \"is forgotten\", keep the features' covariance with the remaining classes (NeurIPS 2025)";

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters => Known;

    private protected override FeatureChange Solve(FeatureTask task)
    {
        var classes = task.Classes;
        var columns = new ConceptColumns(task.IsOn("per-class") ? classes.Forgotten : [], classes.Remaining[..^1]);
        var statistics = task.Covariance(columns);
        using (task.Context.Stage("solve"))
            return SplinceSolver.Solve(statistics, columns.Erased, task.Parameters["smallest-sine"], task.Notes);
    }
}

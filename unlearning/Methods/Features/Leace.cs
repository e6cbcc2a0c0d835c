using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>LEACE: erases "is forgotten" from the features so that no linear predictor finds it (Belrose et al. 2023, arXiv 2306.03819).</summary>
/// <remarks>
/// r(x) = x - W⁺ Q Qᵀ W (x - mean) with W = (Cov(x)^½)⁺ and Q a basis of W Cov(x, z): the smallest change in mean square after which
/// Cov(r(x), z) = 0. Its rank is at most the number of columns of z: one for each forgotten class (the default: each class is hidden
/// by itself), or one for all of them. A request for images of classes that remain has one column, membership of D_f: a column for
/// each class would erase the classes.
/// <para>
/// It guarantees that no linear predictor of z beats a constant. That is no guarantee against a softmax probe over all classes: the
/// forgotten class sits at the global mean, and the other classes' hyperplanes can still carve it out.
/// </para>
/// </remarks>
public sealed class Leace : FeatureMethod
{
    private static readonly MethodParameter[] Known =
    [
        new("per-class", 1, "1: a concept column for each forgotten class; 0: one for all of them") { Maximum = 1, IsWhole = true },
        new("whiten", 1, "1: distances in whitened space; 0: the authors' method \"orth\", W = I") { Maximum = 1, IsWhole = true },
        new("shrinkage", 1, "1: the covariance is shrunk by the random-matrix rule (Bodnar et al., arXiv 1308.2608)") { Maximum = 1, IsWhole = true },
        new("trace-constraint", 1, "1: the erasure may not raise the total variance") { Maximum = 1, IsWhole = true },
        new("tolerance", 0.01, "singular values of W Cov(x, z) up to this are dropped"),
    ];

    /// <inheritdoc/>
    public override string Name => "leace";

    /// <inheritdoc/>
    public override string Description => "LEACE: least-squares erasure of \"is forgotten\" from the features (Belrose et al. 2023)";

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters => Known;

    private protected override FeatureChange Solve(FeatureTask task)
    {
        var statistics = task.Covariance(new ConceptColumns(task.IsOn("per-class") ? task.Classes.Forgotten : [], []));
        using (task.Context.Stage("solve"))
        {
            var options = new LeaceSolver.Options(
                task.Parameters["tolerance"], task.IsOn("shrinkage"), task.IsOn("trace-constraint"), task.IsOn("whiten"));
            return LeaceSolver.Solve(statistics, options, task.Notes);
        }
    }
}

using System.Globalization;
using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>
/// INLP: fits linear classifiers of what is to be forgotten one after another and projects out their directions (Ravfogel et al.
/// 2020, "Null It Out").
/// </summary>
/// <remarks>
/// Each classifier is a logistic regression on standardised features, the sides weighing the same; its labels are the forgotten
/// classes and one for the rest (a request for images: in D_f or not). P = I - orth(sum B Bᵀ) is an orthogonal projection. It stops
/// where a classifier is at chance on the data it was fitted to. The number of iterations is that of the authors' notebook; penalty
/// and margin are ours (theirs take scikit-learn's defaults and do not stop). The features of all images are held at once.
/// </remarks>
public sealed class Inlp : FeatureMethod
{
    private static readonly MethodParameter[] Known =
    [
        new("iterations", 35, "the most classifiers") { Minimum = 1, IsWhole = true },
        new("l2", 1e-4, "the classifiers' penalty: loss = mean cross-entropy + l2 / 2 |W|² (ours)"),
        new("margin", 0.01, "stop where the balanced accuracy is at most this above chance (ours)") { Maximum = 1 },
    ];

    /// <inheritdoc/>
    public override string Name => "inlp";

    /// <inheritdoc/>
    public override string Description => "INLP: project out the directions of linear classifiers of what is to be forgotten (Ravfogel et al. 2020)";

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters => Known;

    private protected override FeatureChange Solve(FeatureTask task)
    {
        var (context, d) = (task.Context, task.Width);
        var forgotten = task.Classes.Forgotten;
        var n = context.Forget.Count + context.Remain.Count;
        var features = new float[(long)n * d];
        var sides = new int[n];
        var at = 0;
        task.Read(context.Forget, (rows, labels) =>
        {
            rows.CopyTo(features.AsSpan(at * d));
            foreach (var label in labels)
                sides[at++] = forgotten.Length == 0 ? 1 : 1 + Array.IndexOf(forgotten, label);
        });
        task.Read(context.Remain, (rows, labels) =>
        {
            rows.CopyTo(features.AsSpan(at * d));
            at += labels.Length;
        });
        var iterations = task.Parameters.Whole("iterations");
        var projection = new NullSpaceProjection(features, d, sides, Math.Max(forgotten.Length, 1) + 1);
        using (context.Stage("solve"))
        {
            projection.Run(
                iterations, task.Parameters["l2"], task.Parameters["margin"],
                i => task.Progress?.Report(new StageProgress("solve", i, iterations)), task.Cancel);
        }

        task.Notes.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"{projection.Iterations} classifiers, {projection.Basis.Length / d} directions removed; balanced accuracy of the last classifier {100 * projection.Accuracy:0.0} %"));
        return FeatureChange.Projection(d, projection.Basis);
    }
}

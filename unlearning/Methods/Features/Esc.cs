using System.Diagnostics;
using System.Globalization;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Methods;

/// <summary>Erasing Space Concept: removes the leading principal directions of the forgetting data's features (CVPR 2025, section 3.3).</summary>
/// <remarks>
/// One forward pass over D_f; the features' second moments are summed in float64 as they come, so memory does not grow with the
/// number of images (but for solvers that read the features themselves, <c>svd</c>). On a GPU all of that stays there. No weight
/// changes: P = I - U_k U_kᵀ is put between features and head. A further request sees features that are erased already, so the
/// product of the requests' projections is again a projection (section 2 of the method's specification, incremental requests).
/// </remarks>
public sealed class Esc : IUnlearningMethod
{
    /// <summary>The share of directions that the released code removes, in per cent.</summary>
    public const double DefaultPercent = 1.5;

    /// <inheritdoc/>
    public string Name => "esc";

    /// <inheritdoc/>
    public string Description => "ESC: project out the leading principal directions of the forgetting data's features (CVPR 2025, section 3.3)";

    /// <inheritdoc/>
    public DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public void CheckOptions(UnlearningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _ = MethodParameters.Of(this, options);
        DirectionCount.CheckRequest(options.Percent, options.Directions);
        if (!Solvers.CudaNames.Contains(options.Solver))
            _ = Solvers.Create(options.Solver);
    }

    /// <summary>How many directions a request removes.</summary>
    /// <param name="featureWidth">d of the model.</param>
    /// <param name="options">With p, k, or neither: then p is <see cref="DefaultPercent"/>.</param>
    /// <exception cref="UsageException">p or k is out of range, or p is positive and yet gives k = 0.</exception>
    public static int DirectionsOf(int featureWidth, UnlearningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options is { Percent: null, Directions: null }
            ? DirectionCount.FromPercent(featureWidth, DefaultPercent)
            : DirectionCount.Resolve(featureWidth, options.Percent, options.Directions);
    }

    /// <inheritdoc/>
    public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
    {
        var started = Stopwatch.GetTimestamp();
        using var span = RequestSpan.Begin(this, context);
        var (model, options) = (context.Model, context.Options);
        CheckOptions(options);
        RequestOptions.RefuseResume(this, context);
        var k = DirectionsOf(model.FeatureWidth, options);
        var gpu = CudaInterop.ContextOf(model.Device);
        var solver = Solvers.Create(options.Solver, gpu);
        RequestOptions.RefuseNothing(this, context);

        var notes = new List<string>();
        SubspaceResult subspace;
        // A request that fails or is cancelled must leave the model as it was, its running statistics too.
        using var before = options.Mode == UnlearningMode.Official ? RunningStatistics.Of(model) : null;
        try
        {
            using var features = new FeatureStore(gpu, model.FeatureWidth, solver.NeedsRows ? context.Forget.Count : 0);
            var problem = ForwardPass(context, features, progress, cancel);
            if (before is not null)
                notes.Add("official mode: batch normalisation ran in training mode and its running statistics are now those of the forgetting data");
            using (context.Stage("solve"))
                subspace = solver.Solve(problem, k, cancel);
            cancel.ThrowIfCancellationRequested();
            using (context.Stage("apply"))
            {
                if (k > 0)
                {
                    var basis = OutsideEarlierRequests(model, subspace.Basis);
                    var factor = ErasureFactor.Projection(basis, model.FeatureWidth, Origin(context, subspace));
                    model.Erase(new ErasureOperator(model.FeatureWidth, factor));
                }
            }
        }
        catch
        {
            before?.Restore(model);
            throw;
        }

        if (k > 0)
            context.Remember(this);
        return RequestSpan.End(span, new UnlearningResult
        {
            Method = Name,
            Images = context.Forget.Count,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Subspace = subspace,
            Notes = [.. notes, .. subspace.Notes],
        });
    }

    private static SubspaceProblem ForwardPass(
        UnlearningContext context, FeatureStore features, IProgress<StageProgress>? progress, CancellationToken cancel)
    {
        using (var pass = new ForgetPass(context, progress, cancel))
        {
            if (context.Options.Mode == UnlearningMode.Official)
                pass.RunInTrainingMode(context.Options.BatchSize, epoch: 0, [features]);
            else
                pass.Run([features]);
        }

        // Rows that still wait for a full block are added here.
        using (context.Stage("gram"))
            return features.ToProblem();
    }

    /// <summary>
    /// The directions made orthogonal to those of earlier requests in float64. They were found on projected features, so only
    /// float32 rounding is taken away; without it the product of the projections would be one to 1e-6 only.
    /// </summary>
    private static double[] OutsideEarlierRequests(Classifier model, double[] basis)
    {
        var d = model.FeatureWidth;
        double[] earlier = [];
        foreach (var factor in model.Erasure?.Factors ?? [])
        {
            if (factor.Kind != ErasureKind.Projection)
                return basis;
            earlier = Basis.Append(earlier, factor.Left, d, out _);
        }

        if (earlier.Length == 0)
            return basis;
        var joint = Basis.Append(earlier, basis, d, out var appended);
        var total = joint.Length / d;
        var outside = new double[d * appended];
        for (var i = 0; i < d; i++)
            Array.Copy(joint, (i * total) + total - appended, outside, i * appended, appended);
        return outside;
    }

    private static Dictionary<string, string> Origin(UnlearningContext context, SubspaceResult subspace) => new()
    {
        ["method"] = "esc",
        ["mode"] = context.Options.Mode.ToString(),
        ["request"] = context.Request,
        ["classes"] = context.ClassesAsked,
        ["images"] = context.Forget.Count.ToString(CultureInfo.InvariantCulture),
        ["k"] = subspace.K.ToString(CultureInfo.InvariantCulture),
        ["solver"] = subspace.Solver,
        ["residual"] = subspace.Residual.ToString("R", CultureInfo.InvariantCulture),
        ["energy-removed"] = subspace.EnergyRemoved.ToString("R", CultureInfo.InvariantCulture),
    };
}

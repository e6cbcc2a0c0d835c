using System.Diagnostics;
using System.Globalization;
using EscNative.Engine;
using EscNative.Models.Data;
using EscNative.Unlearning.Curvature;

namespace EscNative.Unlearning.Methods;

/// <summary>Selective synaptic dampening (Foster et al., SSD, AAAI 2024): shrinks the weights that matter much more for D_f than for all data.</summary>
/// <remarks>
/// Importance I_j(S) = mean over the batches of S of (d CE / d theta_j)², in evaluation mode: the squared gradient of the batch mean, as
/// the authors' code has it, not of single images. Where I_j(D_f) > alpha I_j(D), theta_j is multiplied by
/// min(1, lambda I_j(D) / I_j(D_f)). D is D_r and then D_f, each in its order and in batches of its own.
/// <para>
/// D holds D_f, so that I(D) is at least about |D_f| / |D| · I(D_f): an alpha above |D| / |D_f| can select nothing but by the play of
/// batches. The published alpha of 10 was chosen for one class of a hundred (5 for ViT; alpha 50 and lambda 0.1 for Pins faces); for a
/// tenth of the data it is at that bound.
/// </para>
/// <para>No weight changes before the passes are over, so a run that is cancelled changes none; it keeps no checkpoint and starts again.</para>
/// </remarks>
public sealed class Ssd : IUnlearningMethod
{
    private static readonly MethodParameter[] Known =
    [
        new("alpha", 10, "how much more a weight must matter for D_f than for D to be dampened"),
        new("lambda", 1, "how little of it stays"),
        new("batch", 128, "images whose mean gradient is squared") { Minimum = 1, Maximum = 1_000_000, IsWhole = true },
    ];

    /// <inheritdoc/>
    public string Name => "ssd";

    /// <inheritdoc/>
    public string Description => "SSD: dampen the weights that matter much more for the forgetting data than for all (Foster et al., AAAI 2024)";

    /// <inheritdoc/>
    public DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public IReadOnlyList<MethodParameter> Parameters => Known;

    /// <inheritdoc/>
    public void CheckOptions(UnlearningOptions options)
    {
        _ = MethodParameters.Of(this, options);
        RequestOptions.RefuseSubspace(this, options);
    }

    /// <inheritdoc/>
    public string? WhyNotApplicable(UnlearningContext context) => RequestOptions.WhyErasure(this, context);

    /// <inheritdoc/>
    public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var started = Stopwatch.GetTimestamp();
        using var span = RequestSpan.Begin(this, context);
        CheckOptions(context.Options);
        var parameters = MethodParameters.Of(this, context.Options);
        RequestOptions.RefuseResume(this, context);
        RequestOptions.RefuseNothing(this, context);
        RequestOptions.RefuseInapplicable(this, context);
        var model = context.Model;
        var (forget, all) = (new SquaredGradients(model), new SquaredGradients(model));
        var batch = parameters.Whole("batch");
        var total = (long)context.Forget.Count + context.Remain.Count;
        var training = model.Training;
        model.Training = false;
        int forgetBatches, remainBatches;
        try
        {
            remainBatches = AddImportance(context, context.Remain, batch, all, 0);
            forgetBatches = AddImportance(context, context.Forget, batch, forget, context.Remain.Count);
        }
        finally
        {
            model.Training = training;
        }

        all.Add(forget);
        long dampened;
        cancel.ThrowIfCancellationRequested();
        using (context.Stage("apply"))
            dampened = Dampen(context, forget, forgetBatches, all, forgetBatches + remainBatches, parameters);
        context.Remember(this);
        return RequestSpan.End(span, new UnlearningResult
        {
            Method = Name,
            Images = context.Forget.Count,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Parameters = parameters.Values,
            Notes = [Note(dampened, model.ParameterCount, total, context.Forget.Count)],
        });

        int AddImportance(UnlearningContext of, ImageSet images, int size, SquaredGradients sums, int before)
        {
            var loader = new BatchLoader(images, model.Description.Normalisation, new BatchOptions { BatchSize = size, Device = model.Device });
            foreach (var part in loader.Epoch())
            {
                cancel.ThrowIfCancellationRequested();
                using var stage = of.Stage("importance");
                using var scope = Tensor.Scope();
                using var gradients = Loss.CrossEntropy(model.Forward(part.Images), part.Labels).Backward();
                sums.Add(model, gradients, 1);
                before += part.Count;
                progress?.Report(new StageProgress("importance", before, total));
            }

            return loader.Batches;
        }
    }

    private static long Dampen(
        UnlearningContext context, SquaredGradients forget, int forgetBatches, SquaredGradients all, int batches, MethodParameters parameters)
    {
        var (alpha, lambda) = (parameters["alpha"], parameters["lambda"]);
        var (index, dampened) = (0, 0L);
        foreach (var parameter in context.Model.Parameters)
        {
            var (f, d) = (forget.Sums[index], all.Sums[index]);
            var values = parameter.Value.ToArray();
            for (var j = 0; j < values.Length; j++)
            {
                var (ofForget, ofAll) = (f[j] / forgetBatches, d[j] / batches);
                if (!(ofForget > alpha * ofAll))
                    continue;
                values[j] = (float)(values[j] * Math.Min(1, lambda * ofAll / ofForget));
                dampened++;
            }

            parameter.Value.CopyFrom<float>(values);
            index++;
        }

        return dampened;
    }

    private static string Note(long dampened, long parameters, long images, long forget) => string.Create(
        CultureInfo.InvariantCulture,
        $"{dampened} of {parameters} weights were dampened{(dampened == 0 ? $"; D_f is a part of D, so an alpha above |D| / |D_f| = {(double)images / forget:0.##} selects nothing" : "")}");
}

using System.Diagnostics;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Curvature;
using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>
/// Fisher forgetting (Golatkar et al., "Eternal Sunshine of the Spotless Net"): adds noise to every weight, the more the less the
/// remaining data depend on it.
/// </summary>
/// <remarks>
/// The dependence is the diagonal of the Fisher information on D_r, which takes a backward pass for each class and image: hours where a
/// training epoch takes minutes. <c>samples</c> and <c>smallest-probability</c> shorten it and are ours; <c>approximate</c> is the cheaper form
/// of Jia et al. (batches of 32, the square of the mean gradient). For whole classes the row of each in the last layer is drawn around 0, which alone
/// takes the class out of the scores. As in the authors' code that row has variance 1e-3: its 1e-4 is multiplied by 10 with the rest of
/// the layer.
/// <para>
/// alpha is 1e-7 in the code for CIFAR-10 and larger sets (Kurmanji et al.), 1e-6 in the authors' notebook for a small set. With alpha 0 nothing but
/// the forgotten row changes. The sums go to the checkpoint every few seconds; a resumed run gives the bits of an uninterrupted one. No
/// weight changes before the end.
/// </para>
/// </remarks>
public sealed class Fisher : IUnlearningMethod
{
    private const int ApproximateBatch = 32;

    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(10);

    private static readonly MethodParameter[] Known =
    [
        new("alpha", 1e-7, "how much noise"),
        new("samples", 0, "images of D_r that the curvature is measured on, drawn from the seed; 0 for all") { Maximum = int.MaxValue, IsWhole = true },
        new("approximate", 0, "1: batches of 32 and their mean gradients (Jia et al.), about 30 times faster and biased") { Maximum = 1, IsWhole = true },
        new("smallest-probability", 0, "classes to which an image has a smaller probability are left out of its curvature; 0 leaves out none (ours)") { Maximum = 1 },
    ];

    /// <inheritdoc/>
    public string Name => "fisher";

    /// <inheritdoc/>
    public string Description => "Fisher forgetting: noise on the weights that the remaining data do not depend on (Golatkar et al.)";

    /// <inheritdoc/>
    public DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public IReadOnlyList<MethodParameter> Parameters => Known;

    /// <inheritdoc/>
    public bool KeepsCheckpoint => true;

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
        RequestOptions.RefuseNothing(this, context);
        RequestOptions.RefuseInapplicable(this, context);
        var images = Draw(context, parameters.Whole("samples"));
        var forgotten = new ForgottenClasses(context.Forget, context.Remain).Forgotten;
        using var curvature = new FisherCurvature(
            context.Model, images, parameters["approximate"] != 0 ? ApproximateBatch : 1, parameters["smallest-probability"]);
        var earlier = Measure(context, curvature, CurvatureState.Checkpoint(this, context, parameters), started, progress, cancel);
        cancel.ThrowIfCancellationRequested();
        using (context.Stage("apply"))
            AddNoise(context, curvature, parameters["alpha"], forgotten);
        context.Remember(this);
        return RequestSpan.End(span, new UnlearningResult
        {
            Method = Name,
            Images = context.Forget.Count,
            Seconds = earlier + Stopwatch.GetElapsedTime(started).TotalSeconds,
            Parameters = parameters.Values,
            Notes = [FormattableString.Invariant($"curvature of {images.Count} of {context.Remain.Count} remaining images; {forgotten.Length} rows of the last layer drawn around 0")],
        });
    }

    /// <returns>Seconds of the runs that this one goes on from.</returns>
    private static double Measure(
        UnlearningContext context, FisherCurvature curvature, RunCheckpoint? checkpoint, long started, IProgress<StageProgress>? progress,
        CancellationToken cancel)
    {
        var earlier = context.Resume ? CurvatureState.Load(checkpoint!, curvature) : 0;
        var saved = Stopwatch.GetTimestamp();
        while (true)
        {
            using (context.Stage("curvature"))
            {
                if (!curvature.Next(cancel))
                    return earlier;
            }

            progress?.Report(new StageProgress("curvature", curvature.Done, curvature.Batches));
            if (checkpoint is null || (Stopwatch.GetElapsedTime(saved) < SaveEvery && curvature.Done < curvature.Batches))
                continue;
            using (context.Stage("checkpoint"))
                CurvatureState.Save(checkpoint, curvature, earlier + Stopwatch.GetElapsedTime(started).TotalSeconds);
            saved = Stopwatch.GetTimestamp();
        }
    }

    private static void AddNoise(UnlearningContext context, FisherCurvature curvature, double alpha, int[] forgotten)
    {
        var model = context.Model;
        var random = new RandomSource(context.Options.Seed, RandomStreams.FisherNoise);
        var changed = new List<float[]>();
        foreach (var parameter in model.Parameters)
        {
            var isHead = parameter == model.Head.Weight || parameter == model.Head.Bias;
            var values = parameter.Value.ToArray();
            var variances = FisherNoise.Variances(curvature.Diagonal(changed.Count), parameter.Shape, isHead, alpha, forgotten);
            var noise = new float[values.Length];
            random.FillNormal(noise);
            foreach (var c in isHead ? forgotten : [])
                FisherNoise.Row(values, parameter.Shape, c).Clear();
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)(values[i] + (Math.Sqrt(variances[i]) * noise[i]));
            changed.Add(values);
        }

        foreach (var (parameter, values) in model.Parameters.Zip(changed))
            parameter.Value.CopyFrom<float>(values);
    }

    private static ImageSet Draw(UnlearningContext context, int samples)
    {
        var remain = context.Remain;
        if (samples == 0 || samples >= remain.Count)
            return remain;
        var random = new RandomSource(context.Options.Seed, RandomStreams.FisherSamples);
        return remain.Subset([.. random.Permutation(remain.Count).Take(samples).Order()], remain.Name);
    }
}

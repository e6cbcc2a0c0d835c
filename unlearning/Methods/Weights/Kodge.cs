using System.Diagnostics;
using EscNative.Engine.Layers;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Layers;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Methods;

/// <summary>
/// Gradient-free class forgetting in the weights of every layer (Kodge, Saha, Roy, "Deep Unlearning", TMLR 2024): W becomes W Pᵀ with
/// P = I - M_f (I - M_r).
/// </summary>
/// <remarks>
/// M_f and M_r weigh the directions of a layer's inputs for some forgetting and some remaining images (drawn from the seed, the same
/// number of each class), all measured on the original weights in evaluation mode. The input of a convolution is its windows, at most
/// <c>patches</c> of them. What P takes away are directions that D_f needs and D_r does not. It acts on the inputs, so batch
/// normalisation, which comes after the convolutions, keeps its scales and its statistics, and biases stay.
/// <para>The defaults are those for CIFAR-10. No weight changes before all are computed, so a run that is cancelled changes none; it is
/// short, keeps no checkpoint and starts again.</para>
/// </remarks>
public sealed class Kodge : IUnlearningMethod
{
    private static readonly MethodParameter[] Known =
    [
        new("samples", 900, "forgetting images, and remaining images, at most") { Minimum = 1, Maximum = int.MaxValue, IsWhole = true },
        new("patches", 10_000, "windows of a convolution's input, at most") { Minimum = 1, Maximum = int.MaxValue, IsWhole = true },
        new("alpha-forget", 3, "how fast a direction of D_f counts"),
        new("alpha-remain", 100, "how fast a direction of D_r counts"),
    ];

    /// <inheritdoc/>
    public string Name => "kodge";

    /// <inheritdoc/>
    public string Description => "Kodge et al.: take the directions that only the forgetting data need out of every layer's weights (TMLR 2024)";

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
    public string? WhyNotApplicable(UnlearningContext context)
    {
        var grouped = context.Model.NamedModules.FirstOrDefault(m => m.Module is Conv2d { Options.Groups: > 1 });
        // The rows of a grouped weight belong to slices of the channels, each with a space of its own: the paper defines none.
        return grouped.Module is Conv2d conv
            ? $"{Name} knows convolutions of one group: {grouped.Name} has {conv.Options.Groups}"
            : RequestOptions.WhyErasure(this, context);
    }

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
        var random = new RandomSource(context.Options.Seed, RandomStreams.LayerSamples);
        var (forget, remain) = (Draw(context.Forget, parameters.Whole("samples"), random), Draw(context.Remain, parameters.Whole("samples"), random));
        var done = 0;
        var forgetInputs = Gather(forget);
        var remainInputs = Gather(remain);
        var layers = context.Model.NamedModules.Where(m => forgetInputs.ContainsKey(m.Module)).ToArray();
        var weights = new List<(Parameter Weight, float[] Values)>();
        foreach (var (_, layer) in layers)
        {
            cancel.ThrowIfCancellationRequested();
            var weight = layer is Conv2d conv ? conv.Weight : ((Linear)layer).Weight;
            using (context.Stage("solve"))
                weights.Add((weight, Project(weight, forgetInputs[layer], remainInputs[layer], parameters)));
            progress?.Report(new StageProgress("solve", weights.Count, layers.Length));
        }

        cancel.ThrowIfCancellationRequested();
        using (context.Stage("apply"))
        {
            foreach (var (weight, values) in weights)
                weight.Value.CopyFrom<float>(values);
        }

        context.Remember(this);
        return RequestSpan.End(span, new UnlearningResult
        {
            Method = Name,
            Images = context.Forget.Count,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Parameters = parameters.Values,
            Notes = [$"{forget.Count} forgetting and {remain.Count} remaining images, {layers.Length} layers"],
        });

        Dictionary<Module, SubspaceAccumulator> Gather(ImageSet images)
        {
            var before = done;
            using (context.Stage("forward"))
            {
                return LayerActivations.Gather(
                    context.Model, images, parameters.Whole("patches"), random,
                    n => progress?.Report(new StageProgress("forward", done = before + n, forget.Count + remain.Count)), cancel);
            }
        }
    }

    /// <summary>W - W (I - M_r) M_f, which is W Pᵀ as both M are symmetric: no [size, size] product is needed.</summary>
    private static float[] Project(Parameter weight, SubspaceAccumulator forget, SubspaceAccumulator remain, MethodParameters parameters)
    {
        var w = Array.ConvertAll(weight.Value.ToArray(), v => (double)v);
        var kept = new ImportanceSpace(remain, parameters["alpha-remain"]).Project(w);
        var outside = new double[w.Length];
        for (var i = 0; i < w.Length; i++)
            outside[i] = w[i] - kept[i];
        var removed = new ImportanceSpace(forget, parameters["alpha-forget"]).Project(outside);
        var result = new float[w.Length];
        for (var i = 0; i < w.Length; i++)
            result[i] = (float)(w[i] - removed[i]);
        return result;
    }

    /// <summary>As equal a number of images of each class as there are, in the set's order.</summary>
    private static ImageSet Draw(ImageSet images, int most, RandomSource random)
    {
        if (images.Count <= most)
            return images;
        var byClass = random.Permutation(images.Count).GroupBy(images.Label).OrderBy(g => g.Key).Select(g => g.ToArray()).ToArray();
        var chosen = new List<int>();
        for (var turn = 0; chosen.Count < most; turn++)
            chosen.AddRange(byClass.Where(own => turn < own.Length).Select(own => own[turn]).Take(most - chosen.Count));
        return images.Subset([.. chosen.Order()], images.Name);
    }
}

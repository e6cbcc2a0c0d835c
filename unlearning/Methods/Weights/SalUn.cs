using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>SalUn: random labels for the forgetting data, and only the weights that matter to it may move (Fan et al., ICLR 2024).</summary>
/// <remarks>
/// Sees D_f and D_r. Saliency g = |sum over the batches of D_f of d(-CE)/d theta| in evaluation mode; the mask has a 1 for the share
/// <c>ratio</c> of all parameters with the largest g. Then each epoch is a pass over D_f with labels uniform over all classes, drawn anew,
/// and a pass over D_r with its own labels (<c>joint</c> = 1: one pass over both shuffled together, the source's way for CIFAR-100).
/// Where the mask is 0 weight and momentum must stay as they are, which a mask on the gradient alone does not do: weight decay and
/// momentum would still move them. Here the decay joins the gradient before the mask does, so that what SGD sees there is 0 from the
/// first step on and the weights keep their bits; it equals the source's correction of February 2026 (put theta0 back, mask the momentum).
/// Defaults: SGD with learning rate 0.013, momentum 0.9 and weight decay 5e-4, 10 epochs, batch 256, ratio 0.5.
/// </remarks>
public sealed class SalUn : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "salun";

    /// <inheritdoc/>
    public override string Description => "SalUn: random labels for the forgetting data, trained in the weights that are salient to it (Fan et al., ICLR 2024)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(10), TrainingParameters.LearningRate(0.013), TrainingParameters.Momentum(0.9),
        TrainingParameters.WeightDecay(5e-4), TrainingParameters.Batch(256), TrainingParameters.Flip(true),
        TrainingParameters.Share("ratio", 0.5, "the share of all parameters that may move"),
        TrainingParameters.Switch("joint", false, "whether both sets are shuffled together instead of passed over one after the other"),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var p = setup.Parameters;
        Parameter[] parameters = [.. setup.Model.Parameters];
        var mask = SaliencyMask(setup, parameters);
        var decay = p["weight-decay"];
        // The decay is part of the masked gradient instead.
        var optimizer = setup.Own(new Sgd(parameters, p["learning-rate"], p["momentum"]));
        var both = p["joint"] != 0 ? setup.Loader(setup.Forget.Join(setup.Remain, "D_f and D_r"), TrainingStreams.Forget) : null;
        var forget = setup.Loader(setup.Forget, TrainingStreams.Forget);
        var remain = setup.Loader(setup.Remain, TrainingStreams.Remain);
        return new TrainingTask(optimizer, setup.Epochs, Passes) { BeforeStep = Mask };

        IReadOnlyList<TrainingPass> Passes(int epoch)
        {
            var labels = RandomLabels(setup, epoch);
            if (both is null)
                return [TrainingPass.Over(forget, epoch, batch => setup.CrossEntropy(batch, labels)), TrainingPass.Over(remain, epoch, setup.CrossEntropy)];
            labels = [.. labels, .. setup.Remain.Labels()];
            return [TrainingPass.Over(both, epoch, batch => setup.CrossEntropy(batch, labels))];
        }

        void Mask(Gradients gradients)
        {
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            foreach (var (parameter, m) in parameters.Zip(mask))
            {
                var gradient = gradients[parameter];
                gradient.Assign((gradient + (parameter.Value * decay)) * m);
            }
        }
    }

    private static int[] RandomLabels(TrainingSetup setup, int epoch)
    {
        var random = setup.Random(TrainingStreams.Labels, epoch);
        var labels = new int[setup.Forget.Count];
        for (var i = 0; i < labels.Length; i++)
            labels[i] = random.NextInt(setup.Model.Classes);
        return labels;
    }

    /// <summary>1 where a parameter may move, else 0; of the parameters' shapes, owned by the run.</summary>
    private static Tensor[] SaliencyMask(TrainingSetup setup, Parameter[] parameters)
    {
        var saliency = Saliency(setup, parameters);
        var chosen = Largest(saliency, (int)(saliency.Length * setup.Parameters["ratio"]));
        var (masks, at) = (new Tensor[parameters.Length], 0);
        for (var i = 0; i < masks.Length; i++)
        {
            var count = (int)parameters[i].Shape.Count;
            masks[i] = setup.Own(Tensor.From(chosen.AsSpan(at, count), parameters[i].Shape, setup.Model.Device).Persist());
            at += count;
        }

        return masks;
    }

    /// <summary>|sum over the batches of D_f of the gradient|, all parameters one after another.</summary>
    private static float[] Saliency(TrainingSetup setup, Parameter[] parameters)
    {
        var model = setup.Model;
        model.Training = false;
        using var scope = Tensor.Scope();
        var sums = parameters.Select(p => Tensor.Zeros(p.Shape, device: model.Device)).ToArray();
        var loader = setup.Loader(setup.Forget, TrainingStreams.Forget);
        var done = 0;
        foreach (var batch in loader.Epoch())
        {
            setup.Cancel.ThrowIfCancellationRequested();
            using var inner = Tensor.Scope();
            using var gradients = (-setup.CrossEntropy(batch)).Backward();
            using var noGrad = Tensor.NoGrad();
            foreach (var (sum, parameter) in sums.Zip(parameters))
                sum.Assign(sum + gradients[parameter]);
            setup.Report("saliency", ++done, loader.Batches);
        }

        return [.. sums.SelectMany(sum => sum.ToArray()).Select(Math.Abs)];
    }

    /// <summary>1 at the <paramref name="count"/> largest values, the first of equals, else 0.</summary>
    private static float[] Largest(float[] values, int count)
    {
        var mask = new float[values.Length];
        if (count == 0)
            return mask;
        var sorted = values.ToArray();
        Array.Sort(sorted);
        var threshold = sorted[^count];
        var equal = count - values.Count(v => v > threshold);
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] > threshold || (values[i] == threshold && equal-- > 0))
                mask[i] = 1;
        }

        return mask;
    }
}

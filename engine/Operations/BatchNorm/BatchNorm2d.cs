using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>Batch normalisation of the channels of [.., c], with PyTorch's running statistics.</summary>
/// <remarks>In training mode several threads may use it at once: the running statistics take every batch, one after another, in the order
/// in which the threads come. They must not be read meanwhile, as evaluation mode does.</remarks>
public sealed class BatchNorm2d : Module
{
    private readonly Lock _tracking = new();
    private readonly Counter _batches;

    /// <summary>A layer that starts as the identity.</summary>
    /// <param name="channels">c.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="momentum">The weight of the newest batch in the running statistics.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    public BatchNorm2d(int channels, double eps = 1e-5, double momentum = 0.1, Device? device = null)
    {
        UsageException.RequireNonNegative("BatchNorm2d", "eps", eps);
        UsageException.Require(momentum is >= 0 and <= 1, "BatchNorm2d", "momentum", momentum, "0 to 1");
        Eps = eps;
        Momentum = momentum;
        Weight = AddParameter("weight", Tensor.Ones(channels, device: device));
        Bias = AddParameter("bias", Tensor.Zeros(channels, device: device));
        RunningMean = AddBuffer("running_mean", Tensor.Zeros(channels, device: device));
        RunningVariance = AddBuffer("running_var", Tensor.Ones(channels, device: device));
        _batches = AddCounter("num_batches_tracked");
    }

    /// <summary>Scale, [c].</summary>
    public Parameter Weight { get; }

    /// <summary>Shift, [c].</summary>
    public Parameter Bias { get; }

    /// <summary>The mean that evaluation uses, [c].</summary>
    public Tensor RunningMean { get; }

    /// <summary>The unbiased variance that evaluation uses, [c].</summary>
    public Tensor RunningVariance { get; }

    /// <summary>Added to the variance.</summary>
    public double Eps { get; }

    /// <summary>The weight of the newest batch in the running statistics.</summary>
    public double Momentum { get; }

    /// <summary>How many batches the running statistics have seen; saved with PyTorch's name num_batches_tracked.</summary>
    public long BatchesTracked
    {
        get => _batches.Value;
        set => _batches.Value = value;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, relu: false);

    /// <summary>The layer's function, and ReLU of it in the same pass if asked for.</summary>
    /// <param name="x">[.., c].</param>
    /// <param name="relu">Whether the result is the larger of the normalised value and 0.</param>
    /// <exception cref="ShapeException">The shape does not fit, or has one value of a channel or none in training.</exception>
    public Tensor Forward(Tensor x, bool relu)
    {
        if (!Training)
            return x.BatchNorm(RunningMean, RunningVariance, Weight, Bias, Eps, relu);
        // One value has no variance: it would become beta whatever it is, and the running variance would sink. PyTorch refuses it too.
        if (x.Shape.Rank > 0 && x.Count == x.Shape[^1] && x.Count > 0)
            throw new ShapeException($"BatchNorm2d: got {x.Shape} in training, wants more than one value of each channel: a larger batch, or evaluation mode");
        using var scope = Tensor.Scope();
        var (y, mean, variance) = x.BatchNorm(Weight, Bias, Eps, relu);
        var rows = x.Count / x.Shape[^1];
        // PyTorch normalises with the biased variance and tracks the unbiased one.
        lock (_tracking)
        {
            x.Backend.TrackStatistics(mean, variance, RunningMean, RunningVariance, Momentum, rows / (rows - 1.0));
            _batches.Value++;
        }

        return scope.Keep(y);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        float[] gamma = Weight.Value.ToArray(), beta = Bias.Value.ToArray(), mean = RunningMean.ToArray(), variance = RunningVariance.ToArray();
        var scale = new double[gamma.Length];
        var shift = new double[gamma.Length];
        for (var c = 0; c < scale.Length; c++)
        {
            scale[c] = gamma[c] / Math.Sqrt(variance[c] + Eps);
            shift[c] = beta[c] - (mean[c] * scale[c]);
        }

        return plan.Affine(x, scale, shift);
    }
}

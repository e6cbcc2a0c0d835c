using System.Diagnostics.CodeAnalysis;
using EscNative.Engine.Layers;

namespace EscNative.Engine.Optimization;

/// <summary>Adam and AdamW, PyTorch's formulas.</summary>
public sealed class Adam : Optimizer
{
    private readonly Tensor[] _first;
    private readonly Tensor[] _second;

    /// <summary>An optimizer with PyTorch's defaults.</summary>
    /// <param name="decoupled">AdamW: the decay shrinks the weight instead of joining the gradient.</param>
    /// <exception cref="UsageException">A value makes no sense.</exception>
    [SetsRequiredMembers]
    public Adam(
        IEnumerable<Parameter> parameters, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weightDecay = 0, bool decoupled = false)
        : base(parameters)
    {
        UsageException.Require(beta1 is >= 0 and < 1, "Adam", "beta1", beta1, "0 or more and less than 1");
        UsageException.Require(beta2 is >= 0 and < 1, "Adam", "beta2", beta2, "0 or more and less than 1");
        UsageException.RequireNonNegative("Adam", "eps", eps);
        UsageException.RequireNonNegative("Adam", "weight decay", weightDecay);
        LearningRate = learningRate;
        (Beta1, Beta2, Eps, WeightDecay, Decoupled) = (beta1, beta2, eps, weightDecay, decoupled);
        _first = AddState();
        _second = AddState();
    }

    /// <summary>Decay of the mean of gradients.</summary>
    public double Beta1 { get; }

    /// <summary>Decay of the mean of squared gradients.</summary>
    public double Beta2 { get; }

    /// <summary>Added to the root of the second moment.</summary>
    public double Eps { get; }

    /// <summary>The weight decay.</summary>
    public double WeightDecay { get; }

    /// <summary>Whether this is AdamW.</summary>
    public bool Decoupled { get; }

    /// <summary>AdamW with PyTorch's defaults.</summary>
    public static Adam W(IEnumerable<Parameter> parameters, double learningRate = 1e-3, double weightDecay = 1e-2) =>
        new(parameters, learningRate, weightDecay: weightDecay, decoupled: true);

    /// <inheritdoc/>
    protected override void Update(ReadOnlySpan<int> indices, ReadOnlySpan<Tensor> gradients) => gradients[0].Backend.Adam(
        Updates(indices, gradients, _first, _second), LearningRate, Beta1, Beta2, Eps, WeightDecay, Decoupled, Steps);
}

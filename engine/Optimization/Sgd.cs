using System.Diagnostics.CodeAnalysis;
using EscNative.Engine.Layers;

namespace EscNative.Engine.Optimization;

/// <summary>Stochastic gradient descent with momentum and weight decay, PyTorch's formulas.</summary>
public sealed class Sgd : Optimizer
{
    private readonly Tensor[]? _velocity;

    /// <summary>An optimizer with PyTorch's meaning of every value.</summary>
    /// <exception cref="UsageException">A value makes no sense, as Nesterov without momentum.</exception>
    [SetsRequiredMembers]
    public Sgd(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, double weightDecay = 0, bool nesterov = false)
        : base(parameters)
    {
        UsageException.RequireNonNegative("Sgd", "weight decay", weightDecay);
        if (nesterov && momentum <= 0)
            throw new UsageException($"Sgd: Nesterov wants a momentum above 0, got {momentum}");
        LearningRate = learningRate;
        Momentum = momentum;
        WeightDecay = weightDecay;
        Nesterov = nesterov;
        _velocity = momentum != 0 ? AddState() : null;
    }

    /// <summary>The share of the last step that goes on; a schedule may move it, but not from or to 0.</summary>
    /// <exception cref="UsageException">Set to a number that is not finite, or negative.</exception>
    public double Momentum
    {
        get;
        set
        {
            UsageException.RequireNonNegative("Sgd", "momentum", value);
            field = value;
        }
    }

    /// <summary>Added to the gradient as weightDecay w.</summary>
    public double WeightDecay { get; }

    /// <summary>Whether the step looks ahead.</summary>
    public bool Nesterov { get; }

    /// <inheritdoc/>
    // A velocity of zeros gives v = g on the first step, as PyTorch's missing buffer does.
    protected override void Update(ReadOnlySpan<int> indices, ReadOnlySpan<Tensor> gradients) => gradients[0].Backend.Sgd(
        Updates(indices, gradients, _velocity, null), LearningRate, Momentum, WeightDecay, Nesterov);
}

using EscNative.Engine.Layers;

namespace EscNative.Engine.Optimization;

/// <summary>Changes parameters in place by their gradients.</summary>
public abstract class Optimizer : IDisposable
{
    private readonly List<Tensor> _state = [];

    /// <param name="parameters">What is trained. The parameters stay the caller's.</param>
    protected Optimizer(IEnumerable<Parameter> parameters) => Parameters = [.. parameters];

    /// <summary>The step size.</summary>
    public required double LearningRate { get; set; }

    /// <summary>How many steps were taken.</summary>
    public long Steps { get; protected set; }

    /// <summary>The parameters, in the order that saved state refers to.</summary>
    protected IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The optimizer's tensors (momenta), for saving and resuming; their order is stable.</summary>
    public IReadOnlyList<Tensor> State => _state;

    /// <summary>One step. Parameters that the loss did not reach stay as they are.</summary>
    public void Step(Gradients gradients)
    {
        Steps++;
        for (var i = 0; i < Parameters.Count; i++)
        {
            if (gradients.TryGet(Parameters[i], out var gradient))
                Update(i, Parameters[i], gradient);
        }
    }

    /// <summary>Takes up where a saved run stopped.</summary>
    /// <param name="steps">How many steps it had taken.</param>
    /// <param name="state">Its <see cref="State"/>.</param>
    /// <exception cref="ShapeException">The state is of another optimizer; this one is unchanged then.</exception>
    public void Restore(long steps, IReadOnlyList<Tensor> state)
    {
        if (state.Count != _state.Count)
            throw new ShapeException($"Optimizer: got {state.Count} saved tensors, wants {_state.Count}");
        for (var i = 0; i < state.Count; i++)
        {
            if (state[i].Shape != _state[i].Shape)
                throw new ShapeException($"Optimizer: saved tensor {i} is {state[i].Shape}, wants {_state[i].Shape}");
        }

        for (var i = 0; i < state.Count; i++)
            _state[i].Assign(state[i]);
        Steps = steps;
    }

    /// <summary>Frees the optimizer's tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in _state)
            tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Changes parameter <paramref name="index"/> by its gradient.</summary>
    protected abstract void Update(int index, Tensor weight, Tensor gradient);

    /// <summary>A tensor of zeros for each parameter.</summary>
    protected Tensor[] AddState()
    {
        var tensors = Parameters.Select(p => Tensor.Zeros(p.Shape, p.Value.DType, p.Value.Device).Persist()).ToArray();
        _state.AddRange(tensors);
        return tensors;
    }
}

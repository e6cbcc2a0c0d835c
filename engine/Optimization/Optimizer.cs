using System.Runtime.InteropServices;
using EscNative.Engine.Layers;

namespace EscNative.Engine.Optimization;

/// <summary>Changes parameters in place by their gradients.</summary>
public abstract class Optimizer : IDisposable
{
    private readonly List<Tensor> _state = [];

    /// <param name="parameters">What is trained. The parameters stay the caller's.</param>
    /// <exception cref="UsageException">They lie on more than one device, two of them share memory, or one is a strided view.</exception>
    protected Optimizer(IEnumerable<Parameter> parameters)
    {
        Parameters = [.. parameters];
        foreach (var parameter in Parameters)
        {
            if (parameter.Value.Device != Parameters[0].Value.Device)
                throw new UsageException($"Optimizer: got parameters on {Parameters[0].Value.Device} and {parameter.Value.Device}, wants one device");
            if (!parameter.Value.IsContiguous)
                throw new UsageException($"Optimizer: parameter {parameter.Name} {parameter.Shape} is a strided view, wants contiguous memory; make it of a Clone()");
        }

        CheckApart(Parameters);
    }

    /// <summary>The step size, 0 or more.</summary>
    /// <exception cref="UsageException">Set to a number that is not finite, or negative.</exception>
    public required double LearningRate
    {
        get;
        set
        {
            UsageException.RequireNonNegative(GetType().Name, "learning rate", value);
            field = value;
        }
    }

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
        var (indices, reached) = (new List<int>(Parameters.Count), new List<Tensor>(Parameters.Count));
        for (var i = 0; i < Parameters.Count; i++)
        {
            if (gradients.TryGet(Parameters[i], out var gradient))
            {
                indices.Add(i);
                reached.Add(gradient);
            }
        }

        if (indices.Count > 0)
            Update(CollectionsMarshal.AsSpan(indices), CollectionsMarshal.AsSpan(reached));
    }

    /// <summary>Takes up where a saved run stopped.</summary>
    /// <param name="steps">How many steps it had taken.</param>
    /// <param name="state">Its <see cref="State"/>.</param>
    /// <exception cref="ShapeException">The state is of another optimizer; this one is unchanged then.</exception>
    /// <exception cref="DTypeException">A tensor has another type or device; this one is unchanged then.</exception>
    public void Restore(long steps, IReadOnlyList<Tensor> state)
    {
        if (state.Count != _state.Count)
            throw new ShapeException($"Optimizer: got {state.Count} saved tensors, wants {_state.Count}");
        for (var i = 0; i < state.Count; i++)
        {
            if (state[i].Shape != _state[i].Shape)
                throw new ShapeException($"Optimizer: saved tensor {i} is {state[i].Shape}, wants {_state[i].Shape}");
            Tensor.CheckSame("Optimizer", _state[i], state[i]);
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

    /// <summary>Changes the parameters that the loss reached, at least one, by their gradients: all in one call.</summary>
    /// <param name="indices">Their places in <see cref="Parameters"/>.</param>
    /// <param name="gradients">As many.</param>
    protected abstract void Update(ReadOnlySpan<int> indices, ReadOnlySpan<Tensor> gradients);

    /// <summary>What a device's step takes: parameters and gradients with the states of the same places.</summary>
    private protected ParameterUpdate[] Updates(ReadOnlySpan<int> indices, ReadOnlySpan<Tensor> gradients, Tensor[]? first, Tensor[]? second)
    {
        var updates = new ParameterUpdate[indices.Length];
        for (var i = 0; i < updates.Length; i++)
            updates[i] = new(Parameters[indices[i]], gradients[i], first?[indices[i]], second?[indices[i]]);
        return updates;
    }

    // One step changes all parameters at once, each by a state of its own: what two of them share would change twice, or at random.
    private static void CheckApart(IReadOnlyList<Parameter> parameters)
    {
        var byStorage = new Dictionary<Storage, List<Parameter>>();
        foreach (var parameter in parameters)
        {
            if (!byStorage.TryGetValue(parameter.Value.Storage, out var sharing))
                byStorage[parameter.Value.Storage] = sharing = [];
            if (sharing.Find(other => other.Value.MayOverlap(parameter)) is { } other)
                throw new UsageException($"Optimizer: parameters {other.Name} {other.Shape} and {parameter.Name} {parameter.Shape} share memory; name it once");
            sharing.Add(parameter);
        }
    }

    /// <summary>A tensor of zeros for each parameter.</summary>
    protected Tensor[] AddState()
    {
        var tensors = Parameters.Select(p => Tensor.Zeros(p.Shape, p.Value.DType, p.Value.Device).Persist()).ToArray();
        _state.AddRange(tensors);
        return tensors;
    }
}

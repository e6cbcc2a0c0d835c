using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>A part of a network: parameters, buffers and child modules under dotted names, in the order of their creation.</summary>
public abstract class Module : ILowerable, IDisposable
{
    private readonly List<(string Name, Parameter Parameter)> _parameters = [];
    private readonly List<(string Name, Tensor Buffer)> _buffers = [];
    private readonly List<(string Name, Counter Counter)> _counters = [];
    private readonly List<(string Name, Module Child)> _children = [];
    private bool _training = true;

    /// <summary>Training mode (batch statistics, dropout) or evaluation mode; setting it sets the children too. Set it while no thread
    /// uses the module.</summary>
    public bool Training
    {
        get => _training;
        set
        {
            _training = value;
            foreach (var (_, child) in _children)
                child.Training = value;
        }
    }

    /// <summary>The child modules with their names.</summary>
    public IReadOnlyList<(string Name, Module Child)> Children => _children;

    /// <summary>Every parameter below this module with its dotted name, in a stable order.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters
    {
        get
        {
            foreach (var entry in _parameters)
                yield return entry;
            foreach (var (name, child) in _children)
            {
                foreach (var (inner, parameter) in child.NamedParameters)
                    yield return ($"{name}.{inner}", parameter);
            }
        }
    }

    /// <summary>Every parameter below this module.</summary>
    public IEnumerable<Parameter> Parameters => NamedParameters.Select(p => p.Parameter);

    /// <summary>State that is saved but not trained (running statistics), with dotted names.</summary>
    public IEnumerable<(string Name, Tensor Buffer)> NamedBuffers
    {
        get
        {
            foreach (var entry in _buffers)
                yield return entry;
            foreach (var (name, child) in _children)
            {
                foreach (var (inner, buffer) in child.NamedBuffers)
                    yield return ($"{name}.{inner}", buffer);
            }
        }
    }

    /// <summary>Whole numbers that are saved but not trained (batches seen), with dotted names.</summary>
    public IEnumerable<(string Name, Counter Counter)> NamedCounters
    {
        get
        {
            foreach (var entry in _counters)
                yield return entry;
            foreach (var (name, child) in _children)
            {
                foreach (var (inner, counter) in child.NamedCounters)
                    yield return ($"{name}.{inner}", counter);
            }
        }
    }

    /// <summary>Every module below this one with its dotted name, parents before children.</summary>
    public IEnumerable<(string Name, Module Module)> NamedModules
    {
        get
        {
            foreach (var (name, child) in _children)
            {
                yield return (name, child);
                foreach (var (inner, module) in child.NamedModules)
                    yield return ($"{name}.{inner}", module);
            }
        }
    }

    IEnumerable<(string Name, ILowerable Part)> ILowerable.NamedParts => NamedModules.Select(m => (m.Name, (ILowerable)m.Module));

    /// <summary>How many trainable values there are.</summary>
    public long ParameterCount => Parameters.Sum(p => p.Shape.Count);

    /// <summary>The module's function.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <inheritdoc/>
    public PlanValue Lower(PlanBuilder plan, PlanValue x)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Enter(this);
        try
        {
            return LowerCore(plan, x);
        }
        finally
        {
            plan.Leave();
        }
    }

    /// <summary>Makes every parameter below this module a constant: what is computed with it from now on sends it no gradient, and pays for none.</summary>
    public void Freeze()
    {
        foreach (var parameter in Parameters)
            parameter.Value.StopGradient();
    }

    /// <summary>Frees parameters and buffers, the children's too.</summary>
    public void Dispose()
    {
        foreach (var (_, parameter) in _parameters)
            parameter.Dispose();
        foreach (var (_, buffer) in _buffers)
            buffer.Dispose();
        foreach (var (_, child) in _children)
            child.Dispose();
        DisposeOwn();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what a module holds beside parameters, buffers and children.</summary>
    protected virtual void DisposeOwn()
    {
    }

    /// <summary>What <see cref="Lower"/> does: the counterpart of <see cref="Forward"/> in evaluation mode, one call of the plan for each
    /// operation, with the weights as they are now.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="x">What the module is applied to.</param>
    protected virtual PlanValue LowerCore(PlanBuilder plan, PlanValue x) =>
        throw new UsageException($"plan: {GetType().Name} does not say how it is lowered: override LowerCore beside Forward");

    /// <summary>Adds a trainable tensor, which the module now owns.</summary>
    protected Parameter AddParameter(string name, Tensor value)
    {
        var parameter = new Parameter(name, value);
        _parameters.Add((name, parameter));
        return parameter;
    }

    /// <summary>Adds a tensor that is saved but not trained, which the module now owns.</summary>
    protected Tensor AddBuffer(string name, Tensor value)
    {
        _buffers.Add((name, value.Persist()));
        return value;
    }

    /// <summary>Adds a whole number that is saved but not trained, 0 at first.</summary>
    protected Counter AddCounter(string name)
    {
        var counter = new Counter();
        _counters.Add((name, counter));
        return counter;
    }

    /// <summary>Adds a child, which the module now owns.</summary>
    protected T AddModule<T>(string name, T child)
        where T : Module
    {
        _children.Add((name, child));
        return child;
    }
}

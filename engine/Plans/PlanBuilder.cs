namespace EscNative.Engine.Plans;

/// <summary>What a module describes itself to, step by step, to be compiled: see <see cref="ILowerable.Lower"/>.</summary>
/// <remarks>
/// The members of an operation stand in its folder. Values are those of one image; the batch is not part of a plan. The plan takes a
/// copy of all weights, so later changes of the model do not reach it.
/// </remarks>
public sealed partial class PlanBuilder
{
    private readonly List<PlanNode> _nodes = [];
    private readonly Dictionary<ILowerable, string> _names;
    private readonly Stack<string> _scope = new(["plan"]);

    /// <summary>Begins a plan.</summary>
    /// <param name="root">The network; gives the steps their names.</param>
    /// <param name="input">The shape of one image, [h, w, c], [t, d] or [d].</param>
    /// <exception cref="ShapeException">The shape has another rank, or an extent of 0.</exception>
    public PlanBuilder(ILowerable root, Shape input)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (input.Count == 0)
            throw new ShapeException($"plan: got images {input}, wants extents of 1 or more");
        // A module without weights, as a ReLU, may stand in a network several times: it goes by its first name.
        _names = root.NamedParts.DistinctBy(p => p.Part).ToDictionary(p => p.Part, p => p.Name);
        Input = new PlanValue(this, input, null);
    }

    /// <summary>The plan's input, for one image.</summary>
    public PlanValue Input { get; }

    internal IReadOnlyList<PlanNode> Nodes => _nodes;

    /// <summary>Compiles the steps that the outputs need.</summary>
    /// <param name="device">Where the plan runs.</param>
    /// <param name="options">How, or null for the defaults.</param>
    /// <param name="outputs">What a run returns: one or two values.</param>
    /// <exception cref="UsageException">No output, more than two, or options that make no sense.</exception>
    public InferencePlan Compile(Device device, PlanOptions? options, params ReadOnlySpan<PlanValue> outputs)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (outputs.Length is 0 or > InferencePlan.MostOutputs)
            throw new UsageException($"plan: got {outputs.Length} outputs, wants 1 or {InferencePlan.MostOutputs}");
        foreach (var output in outputs)
            Check(output, "outputs");
        return new InferencePlan(PlanGraph.Of(this, outputs), device, options ?? new PlanOptions());
    }

    /// <summary>The steps that <see cref="Compile"/> would give, without the work of packing weights. A builder is used for one of
    /// them, once.</summary>
    /// <param name="outputs">What a run would return.</param>
    public IReadOnlyList<PlanStepInfo> Describe(params ReadOnlySpan<PlanValue> outputs) => PlanGraph.Of(this, outputs).Describe(_ => "");

    internal void Enter(ILowerable part) => _scope.Push(_names.GetValueOrDefault(part, _scope.Peek()));

    internal void Leave() => _scope.Pop();

    private string Name => _scope.Peek();

    // In 64 bits: a padding may be any number.
    private static bool Fits(PlanValue x, int height, int width, int padding)
    {
        var (h, w) = (x.Height + (2L * padding), x.Width + (2L * padding));
        return h >= height && w >= width && h <= int.MaxValue && w <= int.MaxValue;
    }

    private PlanValue Add(PlanNode node, Shape shape)
    {
        node.Output = new PlanValue(this, shape, node);
        _nodes.Add(node);
        return node.Output;
    }

    private void Check(PlanValue value, string operation)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Owner != this)
            throw new UsageException($"plan, {operation}: got a value of another plan");
    }
}

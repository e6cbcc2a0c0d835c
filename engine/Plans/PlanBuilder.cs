using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>What a module describes itself to, step by step, to be compiled: see <see cref="ILowerable.Lower"/>.</summary>
/// <remarks>
/// Values are those of one image; the batch is not part of a plan. The plan takes a copy of all weights, so later changes of the
/// model do not reach it.
/// </remarks>
public sealed class PlanBuilder
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
    public IReadOnlyList<PlanStep> Describe(params ReadOnlySpan<PlanValue> outputs) => PlanGraph.Of(this, outputs).Describe(_ => "");

    /// <summary>A convolution of images [h, w, in] to [oh, ow, out].</summary>
    /// <param name="x">The images.</param>
    /// <param name="weight">[out, kh, kw, in], float32.</param>
    /// <param name="bias">[out], or null.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Conv2d(PlanValue x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0)
    {
        Check(x, "Conv2d");
        var w = weight.Shape;
        if (x.Shape.Rank != 3 || w.Rank != 4 || w[3] != x.Channels || stride < 1 || padding < 0
            || !Fits(x, w[1], w[2], padding))
        {
            throw new ShapeException(
                $"plan, Conv2d: got images {x.Shape}, weight {w}, stride {stride}, padding {padding}; wants [h, w, in] and [out, kh, kw, in] that fits into the padded image");
        }

        var shape = new Shape(((x.Height + (2 * padding) - w[1]) / stride) + 1, ((x.Width + (2 * padding) - w[2]) / stride) + 1, w[0]);
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, "Conv2d"), stride, padding), shape);
    }

    /// <summary>x Wᵀ + b over the last axis: [.., in] to [.., out].</summary>
    /// <param name="x">Vectors, tokens or the pixels of images.</param>
    /// <param name="weight">[out, in], float32.</param>
    /// <param name="bias">[out], or null.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Linear(PlanValue x, Tensor weight, Tensor? bias = null)
    {
        Check(x, "Linear");
        if (weight.Shape.Rank != 2 || weight.Shape[1] != x.Channels)
            throw new ShapeException($"plan, Linear: got {x.Shape} and weight {weight.Shape}, wants [.., in] and [out, in]");
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, "Linear"), 1, 0), x.Shape.With(x.Shape.Rank - 1, weight.Shape[0]));
    }

    /// <summary>x Wᵀ scale + b over the last axis, of a matrix that no tensor holds: erasures.</summary>
    /// <param name="x">[.., in].</param>
    /// <param name="weight">[out, in] row-major.</param>
    /// <param name="bias">[out], or empty.</param>
    /// <exception cref="ShapeException">The sizes do not fit.</exception>
    public PlanValue Linear(PlanValue x, ReadOnlySpan<double> weight, ReadOnlySpan<double> bias = default)
    {
        Check(x, "Linear");
        var outputs = weight.Length / x.Channels;
        if (outputs == 0 || outputs * x.Channels != weight.Length || (bias.Length != outputs && !bias.IsEmpty))
            throw new ShapeException($"plan, Linear: got {x.Shape}, {weight.Length} weights and {bias.Length} biases, wants [out, {x.Channels}] and [out]");
        return Add(new ConvNode(Name, x, ConvWeight.From(weight, bias, outputs, x.Channels), 1, 0), x.Shape.With(x.Shape.Rank - 1, outputs));
    }

    /// <summary>x scale + shift, a pair for each channel: batch normalisation in evaluation mode.</summary>
    /// <param name="x">[.., c].</param>
    /// <param name="scale">[c].</param>
    /// <param name="shift">[c].</param>
    /// <exception cref="ShapeException">The lengths are not c.</exception>
    public PlanValue Affine(PlanValue x, ReadOnlySpan<double> scale, ReadOnlySpan<double> shift)
    {
        Check(x, "Affine");
        if (scale.Length != x.Channels || shift.Length != x.Channels)
            throw new ShapeException($"plan, Affine: got {scale.Length} scales and {shift.Length} shifts, wants {x.Channels} of each for {x.Shape}");
        return Add(new PointwiseNode(Name, x) { Scale = scale.ToArray(), Shift = shift.ToArray() }, x.Shape);
    }

    /// <summary>a + b, of one shape.</summary>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public PlanValue Add(PlanValue a, PlanValue b)
    {
        Check(a, "Add");
        Check(b, "Add");
        if (a.Shape != b.Shape)
            throw new ShapeException($"plan, Add: got {a.Shape} and {b.Shape}, wants one shape");
        return Add(new PointwiseNode(Name, a) { Residual = b }, a.Shape);
    }

    /// <summary>An elementwise function.</summary>
    public PlanValue Unary(UnaryOp op, PlanValue x)
    {
        Check(x, "Unary");
        return Add(op == UnaryOp.Relu ? new PointwiseNode(Name, x) { Relu = true } : new ActivationNode(Name, x, op), x.Shape);
    }

    /// <summary>Layer normalisation over the last axis.</summary>
    /// <param name="x">[.., d].</param>
    /// <param name="weight">[d], float32.</param>
    /// <param name="bias">[d], float32.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue LayerNorm(PlanValue x, Tensor weight, Tensor bias, double eps)
    {
        Check(x, "LayerNorm");
        if (weight.Shape != x.Channels || bias.Shape != x.Channels)
            throw new ShapeException($"plan, LayerNorm: got {x.Shape}, weight {weight.Shape} and bias {bias.Shape}, wants [{x.Channels}] of both");
        return Add(new LayerNormNode(Name, x, weight.ToArray<float>(), bias.ToArray<float>(), eps), x.Shape);
    }

    /// <summary>The largest value of windows of images [h, w, c]; padding never wins.</summary>
    /// <param name="x">The images.</param>
    /// <param name="kernel">The window's side.</param>
    /// <param name="stride">Pixels between windows; the window's side where 0.</param>
    /// <param name="padding">Pixels around the image, at most half of the window.</param>
    /// <exception cref="ShapeException">The window does not fit.</exception>
    public PlanValue MaxPool2d(PlanValue x, int kernel, int stride = 0, int padding = 0) =>
        Pool("MaxPool2d", PoolKind.Max, x, kernel, stride, padding, countPadding: false);

    /// <summary>The mean of windows of images [h, w, c].</summary>
    /// <param name="x">The images.</param>
    /// <param name="kernel">The window's side.</param>
    /// <param name="stride">Pixels between windows; the window's side where 0.</param>
    /// <param name="padding">Pixels around the image, at most half of the window.</param>
    /// <param name="countPadding">Whether padded pixels count as zeros.</param>
    /// <exception cref="ShapeException">The window does not fit.</exception>
    public PlanValue AveragePool2d(PlanValue x, int kernel, int stride = 0, int padding = 0, bool countPadding = true) =>
        Pool("AveragePool2d", PoolKind.Average, x, kernel, stride, padding, countPadding);

    /// <summary>The mean over all pixels: [h, w, c] to [c].</summary>
    /// <exception cref="ShapeException">x is no image.</exception>
    public PlanValue GlobalAveragePool2d(PlanValue x)
    {
        Check(x, "GlobalAveragePool2d");
        if (x.Shape.Rank != 3)
            throw new ShapeException($"plan, GlobalAveragePool2d: got {x.Shape}, wants [h, w, c]");
        return Add(new PoolNode(Name, x, PoolKind.Average, (x.Height, x.Width), 1, 0, countPadding: true), x.Channels);
    }

    /// <summary>Attention over the tokens of each image: softmax(q kᵀ / √(d / heads)) v, head by head.</summary>
    /// <param name="q">Queries, [t, d].</param>
    /// <param name="k">Keys, [s, d].</param>
    /// <param name="v">Values, [s, d].</param>
    /// <param name="heads">Into how many heads d is cut.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Attention(PlanValue q, PlanValue k, PlanValue v, int heads)
    {
        foreach (var x in new[] { q, k, v })
            Check(x, "Attention");
        if (q.Shape.Rank != 2 || k.Shape.Rank != 2 || k.Shape != v.Shape || q.Channels != k.Channels || heads < 1 || q.Channels % heads != 0)
            throw new ShapeException($"plan, Attention: got queries {q.Shape}, keys {k.Shape}, values {v.Shape}, {heads} heads; wants [t, d], [s, d], [s, d] with d a multiple of heads");
        return Add(new AttentionNode(Name, q, k, v, heads), q.Shape);
    }

    internal void Enter(ILowerable part) => _scope.Push(_names.GetValueOrDefault(part, _scope.Peek()));

    internal void Leave() => _scope.Pop();

    private string Name => _scope.Peek();

    private PlanValue Pool(string operation, PoolKind kind, PlanValue x, int kernel, int stride, int padding, bool countPadding)
    {
        Check(x, operation);
        stride = stride == 0 ? kernel : stride;
        if (x.Shape.Rank != 3 || kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2 || !Fits(x, kernel, kernel, padding))
            throw new ShapeException($"plan, {operation}: got {x.Shape}, kernel {kernel}, stride {stride}, padding {padding}; wants [h, w, c] and a window that fits into the padded image, padding at most half of it");
        var (h, w) = (x.Height + (2 * padding), x.Width + (2 * padding));
        return Add(
            new PoolNode(Name, x, kind, (kernel, kernel), stride, padding, countPadding), (((h - kernel) / stride) + 1, ((w - kernel) / stride) + 1, x.Channels));
    }

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

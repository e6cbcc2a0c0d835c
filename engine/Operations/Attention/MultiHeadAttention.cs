using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>Self-attention of tokens [.., t, d] with its projections, as timm's Attention: queries, keys and values by one linear layer,
/// <c>qkv</c>, of 3 d outputs in this order, and <c>proj</c> behind.</summary>
public sealed class MultiHeadAttention : Module
{
    private readonly int _width;

    /// <summary>A layer with PyTorch's starting values of its linear layers.</summary>
    /// <param name="width">d.</param>
    /// <param name="heads">Into how many heads d is cut.</param>
    /// <param name="random">Where the starting values come from.</param>
    /// <param name="bias">Whether queries, keys and values have one (timm's qkv_bias).</param>
    /// <param name="device">Where the parameters live.</param>
    /// <exception cref="UsageException">The heads do not divide d.</exception>
    public MultiHeadAttention(int width, int heads, RandomSource random, bool bias = true, Device? device = null)
    {
        UsageException.Require(heads >= 1 && width % heads == 0, "MultiHeadAttention", "heads", heads, $"1 or more that divide {width}");
        (_width, Heads) = (width, heads);
        Qkv = AddModule("qkv", new Linear(width, 3 * width, random, bias, device));
        Projection = AddModule("proj", new Linear(width, width, random, device: device));
    }

    /// <summary>Into how many heads d is cut.</summary>
    public int Heads { get; }

    /// <summary>d to 3 d: queries, keys and values.</summary>
    public Linear Qkv { get; }

    /// <summary>d to d, of what the heads give.</summary>
    public Linear Projection { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        var qkv = Qkv.Forward(x);
        return scope.Keep(Projection.Forward(Tensor.ScaledDotProductAttention(Part(qkv, 0), Part(qkv, 1), Part(qkv, 2), Heads)));

        Tensor Part(Tensor qkv, int i) => qkv.Slice(-1, i * _width, (i + 1) * _width);
    }

    /// <summary>Describes to a plan what the first tokens alone get, of keys and values of all: for a last layer behind which the others are not
    /// read.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="x">[t, d].</param>
    /// <param name="tokens">How many of them ask, 1 to t.</param>
    /// <returns>[tokens, d].</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue LowerFirst(PlanBuilder plan, PlanValue x, int tokens)
    {
        ArgumentNullException.ThrowIfNull(plan);
        plan.Enter(this);
        try
        {
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            var answers = Part(x, _width, 3 * _width);
            var queries = Part(plan.Slice(x, 0, 0, tokens), 0, _width);
            return Projection.Lower(plan, plan.Attention(queries, plan.Slice(answers, 1, 0, _width), plan.Slice(answers, 1, _width, 2 * _width), Heads));
        }
        finally
        {
            plan.Leave();
        }

        PlanValue Part(PlanValue of, int from, int to) => plan.Linear(of, Qkv.Weight.Value.Slice(0, from, to), Qkv.Bias?.Value.Slice(0, from, to));
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        var qkv = Qkv.Lower(plan, x);
        return Projection.Lower(plan, plan.Attention(Part(0), Part(1), Part(2), Heads));

        PlanValue Part(int i) => plan.Slice(qkv, 1, i * _width, (i + 1) * _width);
    }
}

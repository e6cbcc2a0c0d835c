using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>A pre-norm block of a transformer, tokens [n, t, d] to the same: x + attention(norm(x)), then x + mlp(norm(x)) with 4 d hidden units
/// and exact GELU.</summary>
public sealed class TransformerBlock : Module
{
    private readonly LayerNorm _norm1, _norm2;
    private readonly MultiHeadAttention _attention;
    private readonly Mlp _mlp;

    /// <summary>A block with PyTorch's starting values.</summary>
    /// <param name="width">d.</param>
    /// <param name="heads">Heads of attention.</param>
    /// <param name="eps">What the norms add to the variance.</param>
    /// <param name="random">The source of the starting values.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <exception cref="UsageException">The heads do not divide d.</exception>
    public TransformerBlock(int width, int heads, double eps, RandomSource random, Device? device = null)
    {
        _norm1 = AddModule("norm1", new LayerNorm(width, eps, device));
        _attention = AddModule("attn", new MultiHeadAttention(width, heads, random, device: device));
        _norm2 = AddModule("norm2", new LayerNorm(width, eps, device));
        _mlp = AddModule("mlp", new Mlp(width, random, device));
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        x += _attention.Forward(_norm1.Forward(x));
        return scope.Keep(x + _mlp.Forward(_norm2.Forward(x)));
    }

    /// <summary>Describes to a plan what the first token alone becomes: for a last block.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="x">[t, d].</param>
    /// <returns>[1, d].</returns>
    public PlanValue LowerFirst(PlanBuilder plan, PlanValue x)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var first = plan.Slice(x, 0, 0, 1);
        return Rest(plan, plan.Add(first, _attention.LowerFirst(plan, _norm1.Lower(plan, x), 1)));
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return Rest(plan, plan.Add(x, _attention.Lower(plan, _norm1.Lower(plan, x))));
    }

    private PlanValue Rest(PlanBuilder plan, PlanValue x) => plan.Add(x, _mlp.Lower(plan, _norm2.Lower(plan, x)));

    private sealed class Mlp : Module
    {
        private readonly Linear _fc1, _fc2;

        public Mlp(int width, RandomSource random, Device? device)
        {
            _fc1 = AddModule("fc1", new Linear(width, 4 * width, random, device: device));
            _fc2 = AddModule("fc2", new Linear(4 * width, width, random, device: device));
        }

        public override Tensor Forward(Tensor x)
        {
            using var scope = Tensor.Scope();
            return scope.Keep(_fc2.Forward(_fc1.Forward(x).Gelu()));
        }

        protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => _fc2.Lower(plan, plan.Unary(UnaryOp.Gelu, _fc1.Lower(plan, x)));
    }
}

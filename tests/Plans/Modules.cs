using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Tests.Plans;

// What random networks need and the engine has as operations, but not as layers.

/// <summary>body(x) + shortcut(x).</summary>
internal sealed class Residual : Module
{
    private readonly Module _body;
    private readonly Module? _shortcut;

    public Residual(Module body, Module? shortcut = null)
    {
        _body = AddModule("body", body);
        _shortcut = shortcut is null ? null : AddModule("shortcut", shortcut);
    }

    public override Tensor Forward(Tensor x) => _body.Forward(x) + (_shortcut?.Forward(x) ?? x);

    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Add(_body.Lower(plan, x), _shortcut?.Lower(plan, x) ?? x);
}

/// <summary>A pooling.</summary>
internal sealed class Pool(bool largest, int kernel, int stride, int padding, bool countPadding) : Module
{
    public override Tensor Forward(Tensor x) =>
        largest ? x.MaxPool2d(kernel, stride, padding) : x.AveragePool2d(kernel, stride, padding, countPadding);

    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) =>
        largest ? plan.MaxPool2d(x, kernel, stride, padding) : plan.AveragePool2d(x, kernel, stride, padding, countPadding);
}

/// <summary>An elementwise function.</summary>
internal sealed class Activation(UnaryOp op) : Module
{
    public override Tensor Forward(Tensor x) => op switch
    {
        UnaryOp.Gelu => x.Gelu(),
        UnaryOp.GeluTanh => x.GeluTanh(),
        UnaryOp.Silu => x.Silu(),
        UnaryOp.Relu6 => x.Relu6(),
        UnaryOp.Tanh => x.Tanh(),
        UnaryOp.Sigmoid => x.Sigmoid(),
        _ => throw new ArgumentOutOfRangeException(nameof(x)),
    };

    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Unary(op, x);
}

/// <summary>Self-attention with its four linear layers, from the engine's operations.</summary>
internal sealed class SelfAttention : Module
{
    private readonly int _heads;
    private readonly Linear _q, _k, _v, _out;

    public SelfAttention(int width, int heads, RandomSource random)
    {
        _heads = heads;
        _q = AddModule("q", new Linear(width, width, random));
        _k = AddModule("k", new Linear(width, width, random));
        _v = AddModule("v", new Linear(width, width, random));
        _out = AddModule("out", new Linear(width, width, random));
    }

    public override Tensor Forward(Tensor x)
    {
        var (n, t, d) = (x.Shape[0], x.Shape[1], x.Shape[2]);
        // [n, t, d] to [n, heads, t, d / heads]
        Tensor Heads(Tensor y) => y.Reshape((n, t, _heads, d / _heads)).Permute(0, 2, 1, 3);
        var scores = Heads(_q.Forward(x)).MatMul(Heads(_k.Forward(x)).Transpose()) * (1 / Math.Sqrt((double)d / _heads));
        var mixed = scores.Softmax().MatMul(Heads(_v.Forward(x)));
        return _out.Forward(mixed.Permute(0, 2, 1, 3).Reshape((n, t, d)));
    }

    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) =>
        _out.Lower(plan, plan.Attention(_q.Lower(plan, x), _k.Lower(plan, x), _v.Lower(plan, x), _heads));
}

/// <summary>A module that does not say how it is lowered.</summary>
internal sealed class Opaque : Module
{
    public override Tensor Forward(Tensor x) => x * 2;
}

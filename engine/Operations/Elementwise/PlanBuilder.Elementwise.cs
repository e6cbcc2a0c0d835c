using EscNative.Kernels;

namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
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
        return AddConstant(a, b) ?? AddConstant(b, a) ?? Add(new PointwiseNode(Name, a) { Residual = b }, a.Shape);
    }

    /// <summary>An elementwise function.</summary>
    public PlanValue Unary(UnaryOp op, PlanValue x)
    {
        Check(x, "Unary");
        return Add(op == UnaryOp.Relu ? new PointwiseNode(Name, x) { Relu = true } : new ActivationNode(Name, x, op), x.Shape);
    }
}

namespace EscNative.Engine.Plans;

/// <summary>f(x scale + shift + residual), channel by channel: what could not be fused into a convolution.</summary>
internal sealed class PointwiseNode(string name, PlanValue x) : EpilogueNode(name)
{
    public PlanValue X { get; } = x;

    /// <summary>[c], or null for ones.</summary>
    public double[]? Scale { get; set; }

    /// <summary>[c], or null for zeros.</summary>
    public double[]? Shift { get; set; }

    public bool IsAffineOnly => Scale is not null && IsOpen;

    public bool IsReluOnly => Scale is null && Residual is null && Relu;

    public bool IsAddOnly => Scale is null && Residual is not null && !Relu;

    public override IEnumerable<PlanValue> Inputs => Residual is null ? [X] : [X, Residual];

    public override string Kind => (Scale is null ? "copy" : "affine") + Suffix;

    public override double Flops => (Scale is null ? 0 : 2 * Count(Output)) + EpilogueFlops;

    public override double WeightBytes => Scale is null ? 0 : 2.0 * sizeof(float) * X.Channels;

    public override bool MayOverwrite(PlanValue input) => true;

    public override void Append(double[] scale, double[] shift)
    {
        Scale = Scale is null ? scale : [.. Scale.Zip(scale, (a, b) => a * b)];
        Shift = Shift is null ? shift : [.. Shift.Select((s, i) => (s * scale[i]) + shift[i])];
    }
}

namespace EscNative.Engine.Plans;

/// <summary>f(conv(x) + bias + residual); a linear layer is a convolution with a window of one pixel.</summary>
internal sealed class ConvNode(string name, PlanValue x, ConvWeight weight, int stride, int padding) : EpilogueNode(name)
{
    public PlanValue X { get; } = x;

    public ConvWeight Weight { get; } = weight;

    public int Stride { get; } = stride;

    public int Padding { get; } = padding;

    public override IEnumerable<PlanValue> Inputs => Residual is null ? [X] : [X, Residual];

    public override string Kind =>
        (X.Shape.Rank < 3 ? "linear" : FormattableString.Invariant($"conv {Weight.KernelHeight}x{Weight.KernelWidth}") + (Stride > 1 ? $" stride {Stride}" : "")) + Suffix;

    public override double Flops => (Count(Output) * 2 * Weight.KernelHeight * Weight.KernelWidth * Weight.Inputs) + EpilogueFlops;

    public override double WeightBytes => Weight.Bytes;

    public override int WantedHalo(PlanValue input) => input == X ? Padding : 0;

    // Each output pixel reads its own pixel of the residual before it is written.
    public override bool MayOverwrite(PlanValue input) => input == Residual && input != X;

    public override void Append(double[] scale, double[] shift) => Weight.Append(scale, shift);
}

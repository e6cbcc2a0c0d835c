namespace EscNative.Engine.Plans;

/// <summary>Layer normalisation over the channels of each pixel or token.</summary>
internal sealed class LayerNormNode(string name, PlanValue x, float[] weight, float[] bias, double eps) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public float[] Weight { get; } = weight;

    public float[] Bias { get; } = bias;

    public double Eps { get; } = eps;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => "layer norm";

    public override double Flops => 8 * Count(Output);

    public override double WeightBytes => sizeof(float) * (double)(Weight.Length + Bias.Length);

    public override bool Strided => false;

    public override bool MayOverwrite(PlanValue input) => true;
}

using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>An elementwise function other than ReLU.</summary>
internal sealed class ActivationNode(string name, PlanValue x, UnaryOp op) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public UnaryOp Op { get; } = op;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => Op.ToString().ToLowerInvariant();

    public override double Flops => Count(Output);

    public override bool Strided => false;

    public override bool MayOverwrite(PlanValue input) => true;
}

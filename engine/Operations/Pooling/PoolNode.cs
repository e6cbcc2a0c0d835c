namespace EscNative.Engine.Plans;

/// <summary>The largest value or the mean of windows.</summary>
internal sealed class PoolNode(
    string name, PlanValue x, PoolKind pool, (int Height, int Width) kernel, int stride, int padding, bool countPadding) : PlanNode(name)
{
    public PlanValue X { get; } = x;

    public PoolKind Pool { get; } = pool;

    public (int Height, int Width) Kernel { get; } = kernel;

    public int Stride { get; } = stride;

    public int Padding { get; } = padding;

    public bool CountPadding { get; } = countPadding;

    public override IEnumerable<PlanValue> Inputs => [X];

    public override string Kind => FormattableString.Invariant($"{(Pool == PoolKind.Max ? "max" : "average")} pool {Kernel.Height}x{Kernel.Width}");

    public override double Flops => Count(Output) * Kernel.Height * Kernel.Width;
}

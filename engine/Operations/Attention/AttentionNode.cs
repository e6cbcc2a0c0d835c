namespace EscNative.Engine.Plans;

/// <summary>softmax(q kᵀ / √(d / heads)) v for each head of each image.</summary>
internal sealed class AttentionNode(string name, PlanValue q, PlanValue k, PlanValue v, int heads) : PlanNode(name)
{
    public PlanValue Q { get; } = q;

    public PlanValue K { get; } = k;

    public PlanValue V { get; } = v;

    public int Heads { get; } = heads;

    public override IEnumerable<PlanValue> Inputs => [Q, K, V];

    public override string Kind => $"attention, {Heads} head{(Heads == 1 ? "" : "s")}";

    // Two products, and scale, maximum, exponential, sum and division of the scores.
    public override double Flops => (4.0 * Q.Height * K.Height * Q.Channels) + (5.0 * Heads * Q.Height * K.Height);

    public override bool Strided => false;
}

namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>Attention over the tokens of each image: softmax(q kᵀ / √(d / heads)) v, head by head. Operands that are slices of columns, as
    /// of one product of all three, are read where they stand.</summary>
    /// <param name="q">Queries, [t, d].</param>
    /// <param name="k">Keys, [s, d].</param>
    /// <param name="v">Values, [s, d].</param>
    /// <param name="heads">Into how many heads d is cut.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public PlanValue Attention(PlanValue q, PlanValue k, PlanValue v, int heads)
    {
        foreach (var x in new[] { q, k, v })
            Check(x, "Attention");
        if (q.Shape.Rank != 2 || k.Shape.Rank != 2 || k.Shape != v.Shape || q.Channels != k.Channels || heads < 1 || q.Channels % heads != 0)
            throw new ShapeException($"plan, Attention: got queries {q.Shape}, keys {k.Shape}, values {v.Shape}, {heads} heads; wants [t, d], [s, d], [s, d] with d a multiple of heads");
        return Add(new AttentionNode(Name, Operand(q), Operand(k), Operand(v), q.Channels, heads), q.Shape);

        static AttentionNode.Operand Operand(PlanValue x) => AttentionNode.Operand.Of(x);
    }
}

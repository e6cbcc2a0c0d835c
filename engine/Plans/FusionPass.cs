namespace EscNative.Engine.Plans;

/// <summary>Fuses batch normalisation, addition and ReLU into the convolution, or the pointwise node, that they follow, and GELU, SiLU and ReLU6 into the convolution or linear layer.</summary>
internal static class FusionPass
{
    /// <summary>The nodes after fusion, in an order in which each finds its operands computed.</summary>
    public static PlanNode[] Run(List<PlanNode> nodes, PlanValue[] outputs)
    {
        var uses = new Dictionary<PlanValue, int>();
        foreach (var value in nodes.SelectMany(n => n.Inputs).Concat(outputs))
            uses[value] = uses.GetValueOrDefault(value) + 1;

        var fused = new List<PlanNode>();
        foreach (var node in nodes)
        {
            if (node is PointwiseNode pointwise && Target(pointwise, uses) is { } target)
            {
                Fuse(target, pointwise);
                // An addend may have been computed after the target stood in line.
                fused.Remove(target);
                fused.Add(target);
            }
            else if (node is ActivationNode { X.Producer: EpilogueNode { IsActivated: false } before } activation && before.Takes(activation.Op) && uses[activation.X] == 1)
            {
                before.Function = activation.Op;
                Replace(before, activation.Output);
            }
            else
            {
                fused.Add(node);
            }
        }

        return [.. fused];
    }

    // The node whose result this one alone reads, and that can do this one's work too.
    private static EpilogueNode? Target(PointwiseNode node, Dictionary<PlanValue, int> uses)
    {
        EpilogueNode? Open(PlanValue? value) =>
            value?.Producer is EpilogueNode producer && uses[value] == 1 && !producer.IsActivated && (producer.Residual is null || node.IsReluOnly) ? producer : null;

        if (node.IsAffineOnly || node.IsReluOnly)
            return Open(node.X);
        // Of two candidates a convolution is the better one: it adds while it has the sum in registers.
        EpilogueNode? first = Open(node.X), second = Open(node.Residual);
        return !node.IsAddOnly ? null : second is ConvNode && first is not ConvNode ? second : first ?? second;
    }

    private static void Fuse(EpilogueNode target, PointwiseNode node)
    {
        if (node.IsAffineOnly)
            target.Append(node.Scale!, node.Shift!);
        else if (node.IsReluOnly)
            target.Relu = true;
        else
            target.Residual = node.X == target.Output ? node.Residual : node.X;
        Replace(target, node.Output);
    }

    private static void Replace(EpilogueNode target, PlanValue output)
    {
        target.Output = output;
        output.Producer = target;
    }
}

namespace EscNative.Engine.Plans;

/// <summary>The computations of a plan after fusion, in the order in which they run, for any device.</summary>
internal sealed class PlanGraph
{
    private PlanGraph(PlanValue input, PlanValue[] outputs, PlanNode[] nodes) => (Input, Outputs, Nodes) = (input, outputs, nodes);

    public PlanValue Input { get; }

    public IReadOnlyList<PlanValue> Outputs { get; }

    public IReadOnlyList<PlanNode> Nodes { get; }

    /// <summary>Fuses what was described and drops what no output needs.</summary>
    public static PlanGraph Of(PlanBuilder builder, ReadOnlySpan<PlanValue> outputs)
    {
        var wanted = outputs.ToArray();
        return new PlanGraph(builder.Input, wanted, FusionPass.Run(Needed(builder.Nodes, wanted), wanted));
    }

    /// <summary>Which of the outputs need a node: bit i for output i.</summary>
    public int[] OutputMasks()
    {
        var masks = new Dictionary<PlanValue, int>();
        for (var i = 0; i < Outputs.Count; i++)
            masks[Outputs[i]] = masks.GetValueOrDefault(Outputs[i]) | (1 << i);
        var result = new int[Nodes.Count];
        for (var i = Nodes.Count - 1; i >= 0; i--)
        {
            result[i] = masks.GetValueOrDefault(Nodes[i].Output);
            foreach (var input in Nodes[i].Inputs)
                masks[input] = masks.GetValueOrDefault(input) | result[i];
        }

        return result;
    }

    /// <summary>What each node computes and costs.</summary>
    /// <param name="algorithmOf">How node i is computed.</param>
    public IReadOnlyList<PlanStepInfo> Describe(Func<int, string> algorithmOf) =>
    [
        .. Nodes.Select((node, i) => new PlanStepInfo(
            node.Name, node.Kind, algorithmOf(i), node.Output.Shape, node.Flops,
            sizeof(float) * node.Inputs.Append(node.Output).Sum(v => (double)v.Height * v.Width * v.Channels), node.WeightBytes)),
    ];

    /// <summary>Gives every value as wide a halo as the convolution with the most padding wants, unless someone can only use contiguous
    /// images. For devices whose convolutions read padding from memory.</summary>
    public void ChooseHalos()
    {
        var contiguous = new HashSet<PlanValue>(Outputs);
        foreach (var node in Nodes.Where(n => !n.Strided))
            contiguous.UnionWith([node.Output, .. node.Inputs]);
        foreach (var value in Nodes.Select(n => n.Output).Append(Input))
        {
            value.Halo = contiguous.Contains(value)
                ? 0
                : Nodes.Where(n => n.Inputs.Contains(value)).Max(n => (int?)n.WantedHalo(value)) ?? 0;
        }
    }

    private static List<PlanNode> Needed(IReadOnlyList<PlanNode> nodes, PlanValue[] outputs)
    {
        var needed = new HashSet<PlanValue>(outputs);
        var kept = new List<PlanNode>();
        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            if (!needed.Contains(nodes[i].Output))
                continue;
            kept.Add(nodes[i]);
            needed.UnionWith(nodes[i].Inputs);
        }

        kept.Reverse();
        return kept;
    }

}

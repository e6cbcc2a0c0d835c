namespace EscNative.Engine.Plans;

/// <summary>A node that ends in f(. scale + shift + residual), into which the nodes behind it can be fused.</summary>
internal abstract class EpilogueNode(string name) : PlanNode(name)
{
    /// <summary>Added to the result, or null.</summary>
    public PlanValue? Residual { get; set; }

    /// <summary>Whether max(., 0) comes last.</summary>
    public bool Relu { get; set; }

    /// <summary>Whether something can still come between the result and the end.</summary>
    public bool IsOpen => !Relu && Residual is null;

    /// <summary>Puts . scale + shift behind what there is.</summary>
    public abstract void Append(double[] scale, double[] shift);

    protected string Suffix => (Residual is null ? "" : " + add") + (Relu ? " + relu" : "");

    protected double EpilogueFlops => Count(Output) * ((Residual is null ? 0 : 1) + (Relu ? 1 : 0));
}

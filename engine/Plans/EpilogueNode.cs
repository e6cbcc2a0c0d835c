using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>A node that ends in f(. scale + shift + residual), into which the nodes behind it can be fused.</summary>
internal abstract class EpilogueNode(string name) : PlanNode(name)
{
    /// <summary>Added to the result, or null.</summary>
    public PlanValue? Residual { get; set; }

    /// <summary>Whether max(., 0) comes last.</summary>
    public bool Relu { get; set; }

    /// <summary>What comes last in its place, or null.</summary>
    public UnaryOp? Function { get; set; }

    /// <summary>Whether nothing can come behind the result any more.</summary>
    public bool IsActivated => Relu || Function is not null;

    /// <summary>Whether something can still come between the result and the end.</summary>
    public bool IsOpen => !IsActivated && Residual is null;

    /// <summary>Whether it can end in this function.</summary>
    public virtual bool Takes(UnaryOp op) => false;

    /// <summary>Puts . scale + shift behind what there is.</summary>
    public abstract void Append(double[] scale, double[] shift);

    protected string Suffix => (Residual is null ? "" : " + add") + (Relu ? " + relu" : Function is { } op ? $" + {ActivationNode.KindOf(op)}" : "");

    protected double EpilogueFlops => Count(Output) * ((Residual is null ? 0 : 1) + (IsActivated ? 1 : 0));
}

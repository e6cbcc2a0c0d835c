using System.Globalization;
using EscNative.Engine.Plans;

namespace EscNative.Engine.Layers;

/// <summary>Modules one after another, named 0, 1, 2, ...</summary>
public sealed class Sequential : Module
{
    /// <summary>The modules in the order in which they run; this module owns them.</summary>
    public Sequential(params ReadOnlySpan<Module> modules)
    {
        for (var i = 0; i < modules.Length; i++)
            AddModule(i.ToString(CultureInfo.InvariantCulture), modules[i]);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        for (var i = 0; i < Children.Count; i++)
        {
            // The pair that most networks are made of runs as one pass.
            if (Children[i].Child is BatchNorm2d norm && i + 1 < Children.Count && Children[i + 1].Child is Relu)
            {
                x = norm.Forward(x, relu: true);
                i++;
            }
            else
            {
                x = Children[i].Child.Forward(x);
            }
        }

        return scope.Keep(x);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        foreach (var (_, child) in Children)
            x = child.Lower(plan, x);
        return x;
    }
}

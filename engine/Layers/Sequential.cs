using System.Globalization;

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
        foreach (var (_, child) in Children)
            x = child.Forward(x);
        return scope.Keep(x);
    }
}

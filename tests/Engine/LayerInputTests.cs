using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

public sealed class LayerInputTests
{
    [Fact]
    public void Layers_show_their_inputs_while_a_scope_lasts_and_scopes_nest()
    {
        using var scope = Tensor.Scope();
        var random = new RandomSource(1);
        using var network = new Sequential(new Conv2d(2, 3, 3, random, padding: 1), new GlobalAveragePool2d(), new Linear(3, 4, random));
        var x = Tensor.Ones((1, 4, 4, 2));
        var (outer, inner) = (new List<(Module, Shape)>(), 0);
        using (LayerInputScope.Begin((layer, input) => outer.Add((layer, input.Shape))))
        {
            network.Forward(x);
            using (LayerInputScope.Begin((_, _) => inner++))
                network.Forward(x);
            network.Children[2].Child.Forward(Tensor.Ones((2, 3)));
        }

        network.Forward(x);
        var layers = network.Children.Select(c => c.Child).ToArray();
        Assert.Equal([(layers[0], new Shape(1, 4, 4, 2)), (layers[1], new Shape(1, 4, 4, 3)), (layers[2], new Shape(1, 3)), (layers[2], new Shape(2, 3))], outer);
        Assert.Equal(3, inner);
    }
}

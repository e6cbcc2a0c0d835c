using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Micro;

/// <summary>The memory of a layer: its input in a halo, its weights, its output.</summary>
internal sealed unsafe class LayerImages : IDisposable
{
    private readonly Floats _x;
    private readonly Floats _weight;
    private readonly Floats _bias;
    private readonly Floats _y;

    public LayerImages(Layer layer, int batch)
    {
        Shape = layer.Shape(batch);
        var halo = (layer.Kernel - 1) / 2;
        var side = layer.Side + (2 * halo);
        _x = new Floats((long)batch * side * side * layer.In, 1);
        _weight = new Floats((long)layer.Out * layer.Kernel * layer.Kernel * layer.In, 2);
        _bias = new Floats(layer.Out, 3);
        _y = new Floats((long)batch * Shape.OutHeight * Shape.OutWidth * layer.Out, 4);
        X = ImageView.InBlock(_x.Pointer, layer.Side, layer.Side, layer.In, halo);
        X.ClearHalo(batch);
        Y = new ImageView(_y.Pointer, Shape.OutHeight, Shape.OutWidth, layer.Out);
        Epilogue = new ConvEpilogue((nint)_bias.Pointer, default, Relu: true);
    }

    public WindowShape Shape { get; }

    public ImageView X { get; }

    public float* Weight => _weight.Pointer;

    public ConvEpilogue Epilogue { get; }

    public ImageView Y { get; }

    public void Dispose()
    {
        foreach (var memory in new[] { _x, _weight, _bias, _y })
            memory.Dispose();
    }
}

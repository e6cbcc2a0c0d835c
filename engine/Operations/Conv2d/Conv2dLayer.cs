using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>A convolution of images [n, h, w, in] to [n, oh, ow, out].</summary>
public sealed class Conv2d : Module
{
    /// <summary>A layer with PyTorch's starting values.</summary>
    public Conv2d(
        int inChannels, int outChannels, int kernel, RandomSource random, int stride = 1, int padding = 0, bool bias = true, Device? device = null)
    {
        var fanIn = kernel * kernel * inChannels;
        Stride = stride;
        Padding = padding;
        Weight = AddParameter("weight", Initialise.KaimingUniform((outChannels, kernel, kernel, inChannels), fanIn, random, device));
        if (bias)
            Bias = AddParameter("bias", Initialise.KaimingUniform(outChannels, fanIn, random, device));
    }

    /// <summary>A layer of given weights.</summary>
    /// <param name="weight">[out, kh, kw, in]; the layer owns it from now on.</param>
    /// <param name="bias">[out], owned like it, or null.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    public Conv2d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0)
    {
        Stride = stride;
        Padding = padding;
        Weight = AddParameter("weight", weight);
        if (bias is not null)
            Bias = AddParameter("bias", bias);
    }

    /// <summary>[out, kh, kw, in].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>Pixels between windows.</summary>
    public int Stride { get; }

    /// <summary>Zeros around the image.</summary>
    public int Padding { get; }

    /// <inheritdoc/>
    /// <remarks>Training takes the device's fastest algorithm; a pass that records nothing, or in evaluation mode, plain sums.</remarks>
    public override Tensor Forward(Tensor x)
    {
        LayerInputScope.Show(this, x);
        return x.Conv2d(Weight, Bias?.Value, Stride, Padding, fast: Training && !NoGradScope.Active);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Conv2d(x, Weight, Bias?.Value, Stride, Padding);
}

using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine.Layers;

/// <summary>A convolution of images [n, h, w, in] to [n, oh, ow, out].</summary>
public sealed class Conv2d : Module
{
    /// <summary>A layer with PyTorch's starting values, the same both ways.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernel">Rows and columns of a kernel.</param>
    /// <param name="random">Draws the starting values.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <param name="dilation">Pixels between the values of a kernel.</param>
    /// <param name="groups">Slices of the channels, each a convolution by itself.</param>
    /// <exception cref="UsageException">A stride, padding, dilation or number of groups that makes no sense.</exception>
    /// <exception cref="ShapeException">The groups do not divide the channels.</exception>
    public Conv2d(
        int inChannels, int outChannels, int kernel, RandomSource random, int stride = 1, int padding = 0, bool bias = true, Device? device = null,
        int dilation = 1, int groups = 1)
        : this(inChannels, outChannels, (kernel, kernel), random, Conv2dOptions.Of(stride, padding, dilation, groups), bias, device)
    {
    }

    /// <summary>A layer with PyTorch's starting values.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernel">Rows and columns of a kernel.</param>
    /// <param name="random">Draws the starting values.</param>
    /// <param name="options">Stride, padding, dilation and groups.</param>
    /// <param name="bias">Whether it has a bias.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <exception cref="UsageException">A stride, padding, dilation or number of groups that makes no sense.</exception>
    /// <exception cref="ShapeException">The groups do not divide the channels.</exception>
    public Conv2d(
        int inChannels, int outChannels, (int Height, int Width) kernel, RandomSource random, Conv2dOptions options, bool bias = true, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        options.CheckGroups("Conv2d", inChannels, outChannels);
        var inputs = inChannels / options.Groups;
        var fanIn = kernel.Height * kernel.Width * inputs;
        Options = options;
        Weight = AddParameter("weight", Initialise.KaimingUniform((outChannels, kernel.Height, kernel.Width, inputs), fanIn, random, device));
        if (bias)
            Bias = AddParameter("bias", Initialise.KaimingUniform(outChannels, fanIn, random, device));
    }

    /// <summary>A layer of given weights, the same both ways.</summary>
    /// <param name="weight">[out, kh, kw, in]; the layer owns it from now on.</param>
    /// <param name="bias">[out], owned like it, or null.</param>
    /// <param name="stride">Pixels between windows.</param>
    /// <param name="padding">Zeros around the image.</param>
    public Conv2d(Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0)
        : this(weight, bias, Conv2dOptions.Of(stride, padding))
    {
    }

    /// <summary>A layer of given weights.</summary>
    /// <param name="weight">[out, kh, kw, in / groups]; the layer owns it from now on.</param>
    /// <param name="bias">[out], owned like it, or null.</param>
    /// <param name="options">Stride, padding, dilation and groups.</param>
    public Conv2d(Tensor weight, Tensor? bias, Conv2dOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        Weight = AddParameter("weight", weight);
        if (bias is not null)
            Bias = AddParameter("bias", bias);
    }

    /// <summary>[out, kh, kw, in / groups].</summary>
    public Parameter Weight { get; }

    /// <summary>[out], or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>Stride, padding, dilation and groups.</summary>
    public Conv2dOptions Options { get; }

    /// <inheritdoc/>
    /// <remarks>Training takes the device's fastest algorithm; a pass that records nothing, or in evaluation mode, plain sums.</remarks>
    public override Tensor Forward(Tensor x)
    {
        LayerInputScope.Show(this, x);
        return x.Conv2d(Weight, Bias?.Value, Options, fast: Training && !NoGradScope.Active);
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => plan.Conv2d(x, Weight, Bias?.Value, Options);
}

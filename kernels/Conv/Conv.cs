namespace EscNative.Kernels.Cpu;

/// <summary>Two-dimensional convolutions and their gradients, in float (blocked SIMD kernels) and double (plain loops).</summary>
/// <remarks>
/// Activations are NHWC, weights OHWI, all contiguous; inputs and outputs do not overlap. The order of summation depends on
/// the sizes alone, so results are equal bit for bit for any number of threads. Groups of channels are computed one beside the other.
/// </remarks>
public static unsafe class Conv
{
    /// <summary>y = conv(x, weight) + bias.</summary>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[batch, height, width, inChannels].</param>
    /// <param name="weight">[outChannels, kernelHeight, kernelWidth, inChannels / groups].</param>
    /// <param name="bias">[outChannels], or null.</param>
    /// <param name="y">[batch, outHeight, outWidth, outChannels]; only written.</param>
    public static void Forward(in WindowShape s, float* x, float* weight, float* bias, float* y)
    {
        var met = s.WithinImage(out var firstRow, out var firstColumn);
        var packed = CpuScratch.Get<float>(CpuScratch.Slot.ConvWeight, met.Groups * PackedConvWeight.Count(met.GroupOutChannels, met.Taps));
        PackedConvWeight.Pack(met, weight + ((long)firstRow * s.KernelWidth + firstColumn) * s.GroupInChannels, s.KernelWidth, s.Taps, packed);
        ConvForward.Run(met, Input(s, x), packed, new((nint)bias, default, false), Output(s, y));
    }

    /// <summary>y = conv(x, weight) + bias, with weights that were packed before.</summary>
    /// <param name="s">The sizes.</param>
    /// <param name="x">[batch, height, width, inChannels].</param>
    /// <param name="weight">The weights, of the same sizes.</param>
    /// <param name="bias">[outChannels], or null.</param>
    /// <param name="y">[batch, outHeight, outWidth, outChannels]; only written.</param>
    /// <exception cref="ArgumentException">The weights have other sizes.</exception>
    public static void Forward(in WindowShape s, float* x, PackedConvWeight weight, float* bias, float* y) =>
        Forward(s, Input(s, x), weight, new((nint)bias, default, false), Output(s, y));

    /// <summary>y = f(conv(x, weight) + bias + residual), from images with a halo into images with a halo.</summary>
    /// <remarks>
    /// An input whose halo is at least as wide as the padding is read in place. What a pixel becomes does not depend on how many
    /// images there are, nor on the halos. No memory is allocated once the threads' scratch memory has grown.
    /// </remarks>
    /// <param name="s">The sizes, without halos.</param>
    /// <param name="x">The input; its halo holds zeros.</param>
    /// <param name="weight">The weights, of the same sizes.</param>
    /// <param name="epilogue">Bias, residual and f; the residual may be y.</param>
    /// <param name="y">The output; only written, and its halo is not.</param>
    /// <exception cref="ArgumentException">The weights or the images have other sizes.</exception>
    public static void Forward(in WindowShape s, in ImageView x, PackedConvWeight weight, in ConvEpilogue epilogue, in ImageView y)
    {
        ArgumentNullException.ThrowIfNull(weight);
        var got = (weight.OutChannels, weight.KernelHeight, weight.KernelWidth, weight.InChannels, weight.Groups);
        var wanted = (s.OutChannels, s.KernelHeight, s.KernelWidth, s.GroupInChannels, s.Groups);
        if (got != wanted)
            throw new ArgumentException($"convolution: packed weights are {got} (OHWI and groups), the shape wants {wanted}", nameof(weight));
        CheckSize(x, (s.Height, s.Width, s.InChannels), "input");
        CheckSize(y, (s.OutHeight, s.OutWidth, s.OutChannels), "output");
        if (!epilogue.Residual.IsNone)
            CheckSize(epilogue.Residual, (s.OutHeight, s.OutWidth, s.OutChannels), "residual");
        using var call = KernelCall.Begin();
        ConvForward.Run(s, x, weight.Data, epilogue, y);
    }

    /// <summary>The gradient of the input: dx = dy convolved with the transposed weights.</summary>
    /// <param name="s">The sizes of the forward pass.</param>
    /// <param name="dy">[batch, outHeight, outWidth, outChannels].</param>
    /// <param name="weight">[outChannels, kernelHeight, kernelWidth, inChannels / groups].</param>
    /// <param name="dx">[batch, height, width, inChannels]; only written.</param>
    public static void DataGradient(in WindowShape s, float* dy, float* weight, float* dx) => ConvDataGradient.Run(s, dy, weight, dx);

    /// <summary>The gradient of the weights.</summary>
    /// <param name="s">The sizes of the forward pass.</param>
    /// <param name="x">[batch, height, width, inChannels].</param>
    /// <param name="dy">[batch, outHeight, outWidth, outChannels].</param>
    /// <param name="dw">[outChannels, kernelHeight, kernelWidth, inChannels / groups]; only written.</param>
    public static void WeightGradient(in WindowShape s, float* x, float* dy, float* dw) => ConvWeightGradient.Run(s, x, dy, dw);

    /// <summary>The gradient of the bias: the sum of dy over all pixels.</summary>
    /// <param name="s">The sizes of the forward pass.</param>
    /// <param name="dy">[batch, outHeight, outWidth, outChannels].</param>
    /// <param name="db">[outChannels]; only written.</param>
    public static void BiasGradient(in WindowShape s, float* dy, float* db) => ConvBiasGradient<float>.Run(s.OutPixels, s.OutChannels, dy, db);

    /// <inheritdoc cref="Forward(in WindowShape, float*, float*, float*, float*)"/>
    public static void Forward(in WindowShape s, double* x, double* weight, double* bias, double* y) =>
        ConvF64.Forward(s, x, weight, bias, y);

    /// <inheritdoc cref="DataGradient(in WindowShape, float*, float*, float*)"/>
    public static void DataGradient(in WindowShape s, double* dy, double* weight, double* dx) => ConvF64.DataGradient(s, dy, weight, dx);

    /// <inheritdoc cref="WeightGradient(in WindowShape, float*, float*, float*)"/>
    public static void WeightGradient(in WindowShape s, double* x, double* dy, double* dw) => ConvF64.WeightGradient(s, x, dy, dw);

    /// <inheritdoc cref="BiasGradient(in WindowShape, float*, float*)"/>
    public static void BiasGradient(in WindowShape s, double* dy, double* db) =>
        ConvBiasGradient<double>.Run(s.OutPixels, s.OutChannels, dy, db);

    private static ImageView Input(in WindowShape s, float* x) => new(x, s.Height, s.Width, s.InChannels);

    private static ImageView Output(in WindowShape s, float* y) => new(y, s.OutHeight, s.OutWidth, s.OutChannels);

    private static void CheckSize(in ImageView images, (int Height, int Width, int Channels) wanted, string name)
    {
        var got = (images.Height, images.Width, images.Channels);
        if (got != wanted)
            throw new ArgumentException($"convolution: the {name} is {got} (HWC), the shape wants {wanted}");
    }
}

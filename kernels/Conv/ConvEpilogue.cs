namespace EscNative.Kernels.Cpu;

/// <summary>What a convolution does besides: y = f(conv(x) + bias + residual), in one pass over memory.</summary>
/// <param name="Bias">[outChannels] floats, or 0 for none.</param>
/// <param name="Residual">Images of the output's size that are added, or default for none. They may be the output itself.</param>
/// <param name="Relu">Whether f is max(., 0); else f is the identity, or <paramref name="Function"/>. NaN stays NaN.</param>
/// <param name="Function">f, one of those that <see cref="Takes"/> names, or null; of direct convolutions alone, not of Winograd's.</param>
public readonly record struct ConvEpilogue(nint Bias, ImageView Residual, bool Relu, UnaryOp? Function = null)
{
    /// <summary>Whether a convolution can end in this function, besides ReLU: on every device the same ones.</summary>
    public static bool Takes(UnaryOp op) => op is UnaryOp.Gelu or UnaryOp.GeluTanh or UnaryOp.Silu or UnaryOp.Relu6;
}

namespace EscNative.Kernels.Cpu;

/// <summary>What a convolution does besides: y = f(conv(x) + bias + residual), in one pass over memory.</summary>
/// <param name="Bias">[outChannels] floats, or 0 for none.</param>
/// <param name="Residual">Images of the output's size that are added, or default for none. They may be the output itself.</param>
/// <param name="Relu">Whether f is max(., 0); else f is the identity, or GELU. NaN stays NaN.</param>
/// <param name="Gelu">Whether f is x Φ(x), exact; of direct convolutions alone, not of Winograd's.</param>
public readonly record struct ConvEpilogue(nint Bias, ImageView Residual, bool Relu, bool Gelu = false);

namespace EscNative.Kernels.Cpu;

/// <summary>What a convolution does besides: y = f(conv(x) + bias + residual), in one pass over memory.</summary>
/// <param name="Bias">[outChannels] floats, or 0 for none.</param>
/// <param name="Residual">Images of the output's size that are added, or default for none. They may be the output itself.</param>
/// <param name="Relu">Whether f is max(., 0); else f is the identity, or <paramref name="Function"/>. NaN stays NaN.</param>
/// <param name="Function">f without <paramref name="Relu"/>, one of those that <see cref="Takes"/> names, or null; of direct convolutions alone, not of Winograd's.</param>
public readonly record struct ConvEpilogue(nint Bias, ImageView Residual, bool Relu, UnaryOp? Function = null)
{
    /// <summary>f besides ReLU, or null.</summary>
    /// <exception cref="ArgumentException">It is none that <see cref="Takes"/> names, or ReLU was asked for too.</exception>
    public UnaryOp? Function { get; } = Function switch
    {
        null => null,
        { } op when Relu => throw new ArgumentException($"convolution: got ReLU and {op}; it ends in one function", nameof(Function)),
        { } op when !Takes(op) => throw new ArgumentException($"convolution: got {op}, wants Gelu, GeluTanh, Silu or Relu6; ReLU has a flag of its own", nameof(Function)),
        { } op => op,
    };

    /// <summary>Whether a convolution can end in this function, besides ReLU: on every device the same ones.</summary>
    public static bool Takes(UnaryOp op) => op is UnaryOp.Gelu or UnaryOp.GeluTanh or UnaryOp.Silu or UnaryOp.Relu6;
}

namespace EscNative.Models.Data;

/// <summary>How pixels are weighed when an image gets another size: Pillow's filters, each as wide as the reduction (antialiased).</summary>
public enum ImageFilter
{
    /// <summary>The mean of the pixels below: support 0.5.</summary>
    Box,

    /// <summary>A triangle: support 1. The usual one for ResNets.</summary>
    Bilinear,

    /// <summary>A Hamming window: support 1.</summary>
    Hamming,

    /// <summary>A cubic with a = -0.5: support 2. The usual one for vision transformers.</summary>
    Bicubic,

    /// <summary>A windowed sinc: support 3.</summary>
    Lanczos,
}

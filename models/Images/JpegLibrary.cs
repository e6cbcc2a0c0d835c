namespace EscNative.Images;

/// <summary>What decodes JPEG images: the pixels are the same, bit for bit.</summary>
public enum JpegLibrary
{
    /// <summary>What the variable <see cref="TurboJpegLibrary.ChoiceVariable"/> says; without it TurboJPEG where the system has it, else SkiaSharp.</summary>
    Auto,

    /// <summary>SkiaSharp, which has no SIMD code for JPEG on most systems.</summary>
    Skia,

    /// <summary>TurboJPEG, which must be there. Images that it does not take (CMYK, rare subsamplings) and damaged ones still go to SkiaSharp.</summary>
    TurboJpeg,
}

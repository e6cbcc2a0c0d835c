using System.Runtime.CompilerServices;

namespace EscNative.Kernels;

/// <summary>The sizes of a pooling to so many windows, by PyTorch's rule: of n windows over m pixels, window i holds the pixels
/// ⌊i m / n⌋ .. ⌈(i + 1) m / n⌉ - 1. They overlap where n does not divide m, and repeat pixels where there are more windows than pixels.</summary>
/// <param name="Batch">Images.</param>
/// <param name="Height">Rows of an input image, at least 1.</param>
/// <param name="Width">Columns of an input image, at least 1.</param>
/// <param name="Channels">Values of a pixel.</param>
/// <param name="OutHeight">Windows from top to bottom, at least 1.</param>
/// <param name="OutWidth">Windows from left to right, at least 1.</param>
public readonly record struct AdaptivePoolShape(int Batch, int Height, int Width, int Channels, int OutHeight, int OutWidth)
{
    /// <summary>The pixels of window <paramref name="window"/> of <paramref name="windows"/> over <paramref name="pixels"/>: start .. end - 1.</summary>
    /// <remarks>Exchanged, it gives the windows that hold a pixel: the rule is symmetric.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (int Start, int End) Span(int window, int pixels, int windows) =>
        ((int)((long)window * pixels / windows), (int)((((long)window + 1) * pixels + windows - 1) / windows));
}

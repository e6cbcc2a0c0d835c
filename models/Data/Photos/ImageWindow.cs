namespace EscNative.Models.Data;

/// <summary>A part of an image.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
public readonly record struct ImageWindow(int Top, int Left, int Height, int Width);

namespace EscNative.Kernels.Cuda;

/// <summary>What a kernel of the table computes.</summary>
internal enum ProductPass
{
    /// <summary>A convolution: rows are output pixels, columns output channels, and the values of a window meet.</summary>
    Forward,

    /// <summary>The gradient of its images: rows are input pixels, columns input channels.</summary>
    DataGradient,

    /// <summary>The gradient of its weights: rows are output channels, columns the values of a window; the output pixels meet.</summary>
    WeightGradient,

    /// <summary>A matrix product.</summary>
    Matrix,
}

namespace EscNative.Kernels.Cpu;

/// <summary>The transforms of a Winograd convolution of 3x3 taps: y = A' ((G g G') * (B d B')) A.</summary>
/// <remarks>
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016. A value here is a vector of channels. The
/// points of a tile are counted row by row.
/// </remarks>
internal unsafe interface IWinogradTransform
{
    /// <summary>Outputs that a tile computes in each dimension.</summary>
    static abstract int Outputs { get; }

    /// <summary>The convolution's stride.</summary>
    static abstract int Stride { get; }

    /// <summary>Inputs that a tile reads, and as many products that it takes, in each dimension.</summary>
    static abstract int Points { get; }

    /// <summary>Values of transformed weights in each dimension. The last one serves all further points.</summary>
    static abstract int WeightPoints { get; }

    /// <summary>B d B': the points of a tile.</summary>
    /// <param name="from">The tile's first pixel.</param>
    /// <param name="pixel">Values from one pixel to the next.</param>
    /// <param name="line">Values from one line of pixels to the next.</param>
    /// <param name="to">The first point.</param>
    /// <param name="step">Values from one point to the next.</param>
    static abstract void Input<V>(float* from, nint pixel, nint line, float* to, nint step)
        where V : unmanaged, ISimd<V, float>;

    /// <summary>A' m A, and the epilogue: the outputs of a tile.</summary>
    /// <param name="from">The product at the first point.</param>
    /// <param name="step">Values from one point to the next.</param>
    /// <param name="to">Where the outputs go.</param>
    static abstract void Output<V>(float* from, nint step, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>;

    /// <summary>G g in one dimension: from 3 weights to WeightPoints values.</summary>
    static abstract void Weight<V>(double* from, nint fromStep, double* to, nint toStep)
        where V : unmanaged, ISimd<V, double>;
}

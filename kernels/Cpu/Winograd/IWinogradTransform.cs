namespace EscNative.Kernels.Cpu;

/// <summary>The one-dimensional transforms of a Winograd convolution of 3 taps: y = A ((G g) * (B d)).</summary>
/// <remarks>
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016. In two dimensions each transform is applied to
/// the columns and then to the rows of a tile. A value here is a vector of channels; from one value to the next it is
/// a step.
/// </remarks>
internal unsafe interface IWinogradTransform
{
    /// <summary>Outputs that a tile computes in each dimension.</summary>
    static abstract int Outputs { get; }

    /// <summary>Inputs that it reads, and products that it takes, in each dimension: Outputs + 2.</summary>
    static abstract int Points { get; }

    /// <summary>B d: from Points inputs to Points values.</summary>
    static abstract void Input<V>(float* from, nint fromStep, float* to, nint toStep)
        where V : unmanaged, ISimd<V, float>;

    /// <summary>A m: from Points products to Outputs outputs.</summary>
    static abstract void Output<V>(float* from, nint fromStep, float* to, nint toStep)
        where V : unmanaged, ISimd<V, float>;

    /// <summary>G g: from 3 weights to Points values.</summary>
    static abstract void Weight<V>(double* from, nint fromStep, double* to, nint toStep)
        where V : unmanaged, ISimd<V, double>;
}

using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Where the outputs of one tile go, for one vector of channels, and what is added to them.</summary>
internal unsafe struct WinogradTarget
{
    /// <summary>The first output.</summary>
    public float* Data;

    /// <summary>Values from one line of outputs to the next.</summary>
    public nint Line;

    /// <summary>Values from one pixel to the next, in the residual as well.</summary>
    public nint Pixel;

    /// <summary>What is added to the first output, or null.</summary>
    public float* Residual;

    /// <summary>Values from one line of the residual to the next.</summary>
    public nint ResidualLine;

    /// <summary>What is added to all outputs.</summary>
    public float* Bias;

    /// <summary>The least output: 0 after a ReLU, else minus infinity.</summary>
    public float Floor;

    /// <summary>Writes two outputs of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Write<V>(int line, int pixel, V first, V second)
        where V : unmanaged, ISimd<V, float>
    {
        var bias = V.Load(Bias);
        first += bias;
        second += bias;
        var at = pixel * Pixel;
        if (Residual != null)
        {
            var residual = Residual + line * ResidualLine + at;
            first += V.Load(residual);
            second += V.Load(residual + Pixel);
        }

        // In this order NaN stays NaN.
        var floor = V.Create(Floor);
        var to = Data + line * Line + at;
        V.MaxNative(floor, first).Store(to);
        V.MaxNative(floor, second).Store(to + Pixel);
    }
}

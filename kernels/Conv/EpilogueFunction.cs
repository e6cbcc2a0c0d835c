using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>An activation function over some channels of some pixels, in place: the end of a convolution.</summary>
internal static unsafe class EpilogueFunction
{
    /// <summary>Applies it.</summary>
    /// <param name="op">One of those that <see cref="ConvEpilogue.Takes"/>.</param>
    /// <param name="y">The first of the channels, of the pixel at 0.</param>
    /// <param name="outs">[count], where each pixel stands; all different.</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="channels">How many channels.</param>
    public static void Apply(UnaryOp op, float* y, int* outs, int count, int channels)
    {
        switch (op)
        {
            case UnaryOp.Gelu: Run<UnaryFunctions.Gelu>(y, outs, count, channels); break;
            case UnaryOp.GeluTanh: Run<UnaryFunctions.GeluTanh>(y, outs, count, channels); break;
            case UnaryOp.Silu: Run<UnaryFunctions.Silu>(y, outs, count, channels); break;
            case UnaryOp.Relu6: Run<UnaryFunctions.Relu6>(y, outs, count, channels); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "convolution: not a function that one ends in");
        }
    }

    private static void Run<TFunction>(float* y, int* outs, int count, int channels)
        where TFunction : unmanaged, IUnaryFunction => SimdRunner.Run<float, Job<TFunction>>(1, new Job<TFunction>(y, outs, count, channels));

    private readonly struct Job<TFunction>(float* y, int* outs, int count, int channels) : ISimdJob<float>
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly float* _y = y;
        private readonly int* _outs = outs;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            for (var i = 0; i < count; i++)
            {
                var at = _y + _outs[i];
                var c = 0;
                for (; c <= channels - V.Count; c += V.Count)
                    TFunction.Forward<V, float>(V.Load(at + c)).Store(at + c);
                if (c < channels)
                    TFunction.Forward<V, float>(V.LoadPartial(at + c, channels - c)).StorePartial(at + c, channels - c);
            }
        }
    }
}

using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>x Φ(x) over some channels of some pixels, in place: the end of a convolution.</summary>
internal static unsafe class EpilogueGelu
{
    /// <summary>Applies it.</summary>
    /// <param name="y">The first of the channels, of the pixel at 0.</param>
    /// <param name="outs">[count], where each pixel stands; all different.</param>
    /// <param name="count">How many pixels.</param>
    /// <param name="channels">How many channels.</param>
    public static void Apply(float* y, int* outs, int count, int channels) => SimdRunner.Run<float, Job>(1, new Job(y, outs, count, channels));

    private readonly struct Job(float* y, int* outs, int count, int channels) : ISimdJob<float>
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
                    UnaryFunctions.Gelu.Forward<V, float>(V.Load(at + c)).Store(at + c);
                if (c < channels)
                    UnaryFunctions.Gelu.Forward<V, float>(V.LoadPartial(at + c, channels - c)).StorePartial(at + c, channels - c);
            }
        }
    }
}

using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Optimizer steps of many tensors at once, in place, one pass over the memory; PyTorch's formulas.</summary>
public static unsafe class Optimizers
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>
    /// g' = g + decay w; v = momentum v + g'; w -= rate (nesterov ? g' + momentum v : v). A velocity of zeros makes the first
    /// step v = g', as PyTorch's.
    /// </summary>
    /// <param name="tensors">What is changed; v is the first state, null for no momentum.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="momentum">The part of the velocity that stays.</param>
    /// <param name="decay">Weight decay, as a part of the gradient.</param>
    /// <param name="nesterov">Whether to look ahead.</param>
    public static void Sgd<T>(ReadOnlySpan<OptimizerTensor<T>> tensors, double rate, double momentum, double decay, bool nesterov)
        where T : unmanaged
    {
        fixed (OptimizerTensor<T>* table = tensors)
            SimdRunner.Run<T, SgdJob<T>>(Tiles(tensors), new SgdJob<T>(table, rate, momentum, decay, nesterov));
    }

    /// <summary>
    /// g' = g + decay w, or w *= 1 - rate decay first where decoupled (AdamW); m += (1 - beta1)(g' - m);
    /// v = beta2 v + (1 - beta2) g'^2; w -= rate / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps).
    /// </summary>
    /// <param name="tensors">What is changed; m is the first state and v the second.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="beta1">The part of m that stays.</param>
    /// <param name="beta2">The part of v that stays.</param>
    /// <param name="eps">Keeps the divisor from 0.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="decoupled">AdamW rather than Adam.</param>
    /// <param name="step">t, from 1.</param>
    public static void Adam<T>(
        ReadOnlySpan<OptimizerTensor<T>> tensors, double rate, double beta1, double beta2, double eps, double decay, bool decoupled,
        long step)
        where T : unmanaged
    {
        fixed (OptimizerTensor<T>* table = tensors)
        {
            var job = new AdamJob<T>
            {
                Tensors = table,
                Shrink = decoupled ? 1 - rate * decay : 1,
                Decay = decoupled ? 0 : decay,
                Beta1 = beta1,
                Beta2 = beta2,
                Eps = eps,
                StepSize = rate / (1 - Math.Pow(beta1, step)),
                RootCorrection = Math.Sqrt(1 - Math.Pow(beta2, step)),
            };
            SimdRunner.Run<T, AdamJob<T>>(Tiles(tensors), job);
        }
    }

    private static long Tiles<T>(ReadOnlySpan<OptimizerTensor<T>> tensors)
        where T : unmanaged
    {
        var tiles = 0L;
        foreach (ref readonly var tensor in tensors)
            tiles += SimdRunner.TilesOf(tensor.Count, SimdRunner.TileValues);
        return tiles;
    }

    /// <summary>The tensor that a tile lies in, and the range of its values.</summary>
    private static OptimizerTensor<T>* Find<T>(OptimizerTensor<T>* tensors, long tile, out long start, out long end)
        where T : unmanaged
    {
        while (true)
        {
            var tiles = SimdRunner.TilesOf(tensors->Count, SimdRunner.TileValues);
            if (tile < tiles)
                break;
            tile -= tiles;
            tensors++;
        }

        start = tile * SimdRunner.TileValues;
        end = Math.Min(tensors->Count, start + SimdRunner.TileValues);
        return tensors;
    }

    private readonly struct SgdJob<T>(OptimizerTensor<T>* tensors, double rate, double momentum, double decay, bool nesterov) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly OptimizerTensor<T>* _tensors = tensors;
        private readonly double _rate = rate;
        private readonly double _momentum = momentum;
        private readonly double _decay = decay;
        private readonly bool _nesterov = nesterov;

        [MethodImpl(Hot)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var tensor = Find(_tensors, tile, out var i, out var end);
            var w = tensor->Weight;
            var g = tensor->Gradient;
            var v = tensor->First;
            var rate = V.Constant(-_rate);
            var momentum = V.Constant(_momentum);
            var decay = V.Constant(_decay);
            for (; i < end; i += V.Count)
            {
                var left = end - i;
                var old = ColumnKernels.Read<V, T>(w + i, left);
                var step = V.MultiplyAdd(decay, old, ColumnKernels.Read<V, T>(g + i, left));
                if (v != null)
                {
                    var speed = V.MultiplyAdd(momentum, ColumnKernels.Read<V, T>(v + i, left), step);
                    ColumnKernels.Write<V, T>(speed, v + i, left);
                    step = _nesterov ? V.MultiplyAdd(momentum, speed, step) : speed;
                }

                ColumnKernels.Write<V, T>(V.MultiplyAdd(rate, step, old), w + i, left);
            }
        }
    }

    private struct AdamJob<T> : ISimdJob<T>
        where T : unmanaged
    {
        public OptimizerTensor<T>* Tensors;
        public double Shrink;
        public double Decay;
        public double Beta1;
        public double Beta2;
        public double Eps;
        public double StepSize;
        public double RootCorrection;

        [MethodImpl(Hot)]
        public readonly void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var tensor = Find(Tensors, tile, out var i, out var end);
            var w = tensor->Weight;
            var g = tensor->Gradient;
            var m = tensor->First;
            var v = tensor->Second;
            var shrink = V.Constant(Shrink);
            var decay = V.Constant(Decay);
            var rest1 = V.Constant(1 - Beta1);
            var beta2 = V.Constant(Beta2);
            var rest2 = V.Constant(1 - Beta2);
            var eps = V.Constant(Eps);
            var size = V.Constant(-StepSize);
            var correction = V.Constant(RootCorrection);
            for (; i < end; i += V.Count)
            {
                var left = end - i;
                var old = ColumnKernels.Read<V, T>(w + i, left) * shrink;
                var step = V.MultiplyAdd(decay, old, ColumnKernels.Read<V, T>(g + i, left));
                var first = ColumnKernels.Read<V, T>(m + i, left);
                first = V.MultiplyAdd(rest1, step - first, first);
                var second = V.MultiplyAdd(rest2 * step, step, beta2 * ColumnKernels.Read<V, T>(v + i, left));
                ColumnKernels.Write<V, T>(first, m + i, left);
                ColumnKernels.Write<V, T>(second, v + i, left);
                var divisor = V.Sqrt(second) / correction + eps;
                ColumnKernels.Write<V, T>(V.MultiplyAdd(size, first / divisor, old), w + i, left);
            }
        }
    }
}

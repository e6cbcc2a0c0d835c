using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

public static unsafe partial class Softmax
{
    /// <summary>losses[r] = -log softmax(logits[r])[labels[r]].</summary>
    /// <param name="logits">[rows, classes].</param>
    /// <param name="labels">[rows].</param>
    /// <param name="losses">[rows].</param>
    /// <param name="rows">How many samples.</param>
    /// <param name="classes">How many classes.</param>
    /// <exception cref="EscException">A label is not one of 0 .. classes - 1; nothing is written then.</exception>
    public static void CrossEntropy<T>(T* logits, int* labels, T* losses, long rows, long classes)
        where T : unmanaged
    {
        CheckLabels(labels, rows, classes);
        var tiles = new RowTiles(rows, classes, TileValues);
        SimdRunner.Run<T, CrossEntropyJob<T>>(tiles.Count, new CrossEntropyJob<T>(logits, labels, losses, classes, tiles));
    }

    /// <summary>dx[r] = dy[r] (softmax(logits[r]) - onehot(labels[r])).</summary>
    /// <param name="logits">[rows, classes].</param>
    /// <param name="labels">[rows].</param>
    /// <param name="dy">[rows], the gradients of the losses.</param>
    /// <param name="dx">[rows, classes]; may be <paramref name="logits"/>.</param>
    /// <param name="rows">How many samples.</param>
    /// <param name="classes">How many classes.</param>
    /// <exception cref="EscException">A label is not one of 0 .. classes - 1; nothing is written then.</exception>
    public static void CrossEntropyBackward<T>(T* logits, int* labels, T* dy, T* dx, long rows, long classes)
        where T : unmanaged
    {
        CheckLabels(labels, rows, classes);
        var tiles = new RowTiles(rows, classes, TileValues);
        SimdRunner.Run<T, CrossEntropyBackwardJob<T>>(
            tiles.Count, new CrossEntropyBackwardJob<T>(logits, labels, dy, dx, classes, tiles));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckLabels(int* labels, long rows, long classes)
    {
        for (var r = 0L; r < rows; r++)
        {
            if ((uint)labels[r] >= classes)
                throw new EscException(ErrorCode.BadInput, $"cross-entropy: label {r} is {labels[r]}, wants 0 to {classes - 1}");
        }
    }

    private readonly struct CrossEntropyJob<T>(T* logits, int* labels, T* losses, long classes, RowTiles tiles) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _logits = logits;
        private readonly int* _labels = labels;
        private readonly T* _losses = losses;
        private readonly long _classes = classes;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            for (var row = _tiles.Start(tile); row < _tiles.End(tile); row++)
            {
                var x = _logits + row * _classes;
                var max = RowKernels.Reduce<Reductions.Max, V, T>(x, _classes);
                var logSum = Math.Log(RowKernels.ExpSum<V, T>(x, _classes, max));
                _losses[row] = Scalar.Narrow<T>(logSum - (Scalar.Wide(x[_labels[row]]) - max));
            }
        }
    }

    private readonly struct CrossEntropyBackwardJob<T>(T* logits, int* labels, T* dy, T* dx, long classes, RowTiles tiles)
        : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _logits = logits;
        private readonly int* _labels = labels;
        private readonly T* _dy = dy;
        private readonly T* _dx = dx;
        private readonly long _classes = classes;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            for (var row = _tiles.Start(tile); row < _tiles.End(tile); row++)
            {
                var x = _logits + row * _classes;
                var dx = _dx + row * _classes;
                var g = Scalar.Wide(_dy[row]);
                var label = _labels[row];
                var max = RowKernels.Reduce<Reductions.Max, V, T>(x, _classes);
                var sum = RowKernels.ExpStore<V, T>(x, dx, _classes, max);
                // In float64, since a trained p is near 1.
                var own = g * (Scalar.Wide(dx[label]) / sum - 1.0);
                RowKernels.Affine<V, T>(dx, dx, _classes, g / sum, 0.0);
                dx[label] = Scalar.Narrow<T>(own);
            }
        }
    }
}

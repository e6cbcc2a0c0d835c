using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

public static unsafe partial class Elementwise
{
    /// <summary>y = f(a, b) for operands of one shape.</summary>
    /// <param name="op">The function.</param>
    /// <param name="a">[n].</param>
    /// <param name="b">[n].</param>
    /// <param name="y">[n]; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <param name="n">How many values.</param>
    public static void Binary<T>(BinaryOp op, T* a, T* b, T* y, long n)
        where T : unmanaged => Binary(op, a, [1], b, [1], y, [n]);

    /// <summary>y = f(a, b) with broadcasting.</summary>
    /// <param name="op">The function.</param>
    /// <param name="a">The left operand.</param>
    /// <param name="aStrides">Its step along each dimension, in values; 0 where it is broadcast.</param>
    /// <param name="b">The right operand.</param>
    /// <param name="bStrides">Its steps.</param>
    /// <param name="y">[dims], contiguous. It may be an operand that has the same layout.</param>
    /// <param name="dims">The shape of the result, at most 6 dimensions.</param>
    public static void Binary<T>(
        BinaryOp op, T* a, ReadOnlySpan<long> aStrides, T* b, ReadOnlySpan<long> bStrides, T* y, ReadOnlySpan<long> dims)
        where T : unmanaged
    {
        Span<long> yStrides = stackalloc long[StridedNest.MaxRank];
        if (dims.Length <= StridedNest.MaxRank)
            StridedNest.ContiguousStrides(dims, yStrides);
        var nest = StridedNest.Create(dims, aStrides, bStrides, yStrides[..Math.Min(dims.Length, StridedNest.MaxRank)]);
        switch (op)
        {
            case BinaryOp.Add: RunBinary<T, BinaryFunctions.Add>(a, b, y, nest); break;
            case BinaryOp.Subtract: RunBinary<T, BinaryFunctions.Subtract>(a, b, y, nest); break;
            case BinaryOp.Multiply: RunBinary<T, BinaryFunctions.Multiply>(a, b, y, nest); break;
            case BinaryOp.Divide: RunBinary<T, BinaryFunctions.Divide>(a, b, y, nest); break;
            case BinaryOp.Weigh: RunBinary<T, BinaryFunctions.Weigh>(a, b, y, nest); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "not a binary function");
        }
    }

    private static void RunBinary<T, TFunction>(T* a, T* b, T* y, in StridedNest nest)
        where T : unmanaged
        where TFunction : unmanaged, IBinaryFunction => SimdRunner.Run<T, BinaryJob<T, TFunction>>(
            SimdRunner.TilesOf(nest.Count, SimdRunner.TileValues), new BinaryJob<T, TFunction>(a, b, y, nest));

    // A tile is a fixed range of output values; it may start and end within a row.
    private readonly struct BinaryJob<T, TFunction>(T* a, T* b, T* y, StridedNest nest) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IBinaryFunction
    {
        private readonly T* _a = a;
        private readonly T* _b = b;
        private readonly T* _y = y;
        private readonly StridedNest _nest = nest;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var start = tile * SimdRunner.TileValues;
            var end = Math.Min(_nest.Count, start + SimdRunner.TileValues);
            var inner = _nest.Rank - 1;
            var width = _nest.Dims[inner];
            var aStep = _nest.A[inner];
            var bStep = _nest.B[inner];
            var column = start % width;
            var cursor = new RowCursor(_nest, start / width);
            while (start < end)
            {
                var n = Math.Min(width - column, end - start);
                Row<V>(_a + cursor.A + column * aStep, aStep, _b + cursor.B + column * bStep, bStep, _y + start, n);
                start += n;
                column = 0;
                cursor.Advance(_nest);
            }
        }

        [MethodImpl(Hot)]
        private static void Row<V>(T* a, long aStep, T* b, long bStep, T* y, long n)
            where V : unmanaged, ISimd<V, T>
        {
            var i = 0L;
            if (aStep == 1 && bStep == 1)
            {
                for (; i <= n - V.Count; i += V.Count)
                    TFunction.Apply<V, T>(V.Load(a + i), V.Load(b + i)).Store(y + i);
                if (i < n)
                    TFunction.Apply<V, T>(V.LoadPartial(a + i, n - i), V.LoadPartial(b + i, n - i)).StorePartial(y + i, n - i);
            }
            else if (aStep == 1 && bStep == 0)
            {
                var right = V.Create(*b);
                for (; i <= n - V.Count; i += V.Count)
                    TFunction.Apply<V, T>(V.Load(a + i), right).Store(y + i);
                if (i < n)
                    TFunction.Apply<V, T>(V.LoadPartial(a + i, n - i), right).StorePartial(y + i, n - i);
            }
            else if (aStep == 0 && bStep == 1)
            {
                var left = V.Create(*a);
                for (; i <= n - V.Count; i += V.Count)
                    TFunction.Apply<V, T>(left, V.Load(b + i)).Store(y + i);
                if (i < n)
                    TFunction.Apply<V, T>(left, V.LoadPartial(b + i, n - i)).StorePartial(y + i, n - i);
            }
            else
            {
                var left = stackalloc T[V.Count];
                var right = stackalloc T[V.Count];
                for (; i < n; i += V.Count)
                {
                    var count = Math.Min(V.Count, n - i);
                    for (var j = 0; j < count; j++)
                    {
                        left[j] = a[(i + j) * aStep];
                        right[j] = b[(i + j) * bStep];
                    }

                    var result = TFunction.Apply<V, T>(V.Load(left), V.Load(right));
                    if (count == V.Count)
                        result.Store(y + i);
                    else
                        result.StorePartial(y + i, count);
                }
            }
        }
    }
}

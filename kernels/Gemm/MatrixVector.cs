using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EscNative.Kernels.Cpu;

/// <summary>A matrix times a vector. Memory sets its pace, so it is written once for all instruction sets.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal static unsafe class MatrixVector<T>
    where T : unmanaged, INumberBase<T>
{
    private const int RowsPerTask = 64;
    private const int ColumnsPerTask = 512;
    private const long ParallelVolume = 1 << 19;

    /// <summary>result[i * resultStep] (+)= sum over p of matrix(i, p) * vector[p * vectorStep], for i below
    /// <paramref name="width"/>.</summary>
    public static void Multiply(
        int width, int k, GemmOperand<T> matrix, T* vector, nint vectorStep, T* result, nint resultStep, bool accumulate)
    {
        var scratch = CpuScratch.Get<T>(CpuScratch.Slot.GemmB, (long)k + width);
        if (vectorStep != 1)
        {
            for (nint p = 0; p < k; p++)
                scratch[p] = vector[p * vectorStep];
            vector = scratch;
        }

        var sums = scratch + k;
        var job = new Job(width, k, matrix, vector, sums);
        GemmDriver<T>.Run((long)width * k >= ParallelVolume, job.Tiles, job);
        for (nint i = 0; i < width; i++)
        {
            ref var value = ref result[i * resultStep];
            value = accumulate ? value + sums[i] : sums[i];
        }
    }

    // sum of x[p] * y[p] for four rows x at once: four chains of additions.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dot4(int k, T* x, nint stride, T* y, T* sums)
    {
        T* x0 = x, x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
        Vector256<T> s0 = default, s1 = default, s2 = default, s3 = default;
        var p = 0;
        for (; p + Vector256<T>.Count <= k; p += Vector256<T>.Count)
        {
            var v = Vector256.Load(y + p);
            s0 += Vector256.Load(x0 + p) * v;
            s1 += Vector256.Load(x1 + p) * v;
            s2 += Vector256.Load(x2 + p) * v;
            s3 += Vector256.Load(x3 + p) * v;
        }

        T t0 = Vector256.Sum(s0), t1 = Vector256.Sum(s1), t2 = Vector256.Sum(s2), t3 = Vector256.Sum(s3);
        for (; p < k; p++)
        {
            t0 += x0[p] * y[p];
            t1 += x1[p] * y[p];
            t2 += x2[p] * y[p];
            t3 += x3[p] * y[p];
        }

        sums[0] = t0;
        sums[1] = t1;
        sums[2] = t2;
        sums[3] = t3;
    }

    // sums[j] += y[0] * x[0, j] + ... + y[3] * x[3, j]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Axpy4(int width, T* x, nint stride, T* y, T* sums)
    {
        T* x0 = x, x1 = x0 + stride, x2 = x1 + stride, x3 = x2 + stride;
        T y0 = y[0], y1 = y[1], y2 = y[2], y3 = y[3];
        Vector256<T> v0 = Vector256.Create(y0), v1 = Vector256.Create(y1), v2 = Vector256.Create(y2), v3 = Vector256.Create(y3);
        var j = 0;
        for (; j + Vector256<T>.Count <= width; j += Vector256<T>.Count)
        {
            var sum = Vector256.Load(x0 + j) * v0 + Vector256.Load(x1 + j) * v1 + (Vector256.Load(x2 + j) * v2 + Vector256.Load(x3 + j) * v3);
            (Vector256.Load(sums + j) + sum).Store(sums + j);
        }

        for (; j < width; j++)
            sums[j] += x0[j] * y0 + x1[j] * y1 + (x2[j] * y2 + x3[j] * y3);
    }

    private readonly struct Job(int width, int k, GemmOperand<T> matrix, T* vector, T* sums) : ITileJob
    {
        private readonly T* _vector = vector, _sums = sums;

        private int PerTask => matrix.Along ? ColumnsPerTask : RowsPerTask;

        public int Tiles => (width + PerTask - 1) / PerTask;

        public void Execute(int tile, int worker)
        {
            var first = tile * PerTask;
            var count = Math.Min(PerTask, width - first);
            if (matrix.Along)
                Columns(first, count);
            else
                Rows(first, count);
        }

        private void Rows(int first, int count)
        {
            var i = 0;
            for (; i + 4 <= count; i += 4)
                Dot4(k, matrix.At(first + i, 0), matrix.Stride, _vector, _sums + first + i);
            var four = stackalloc T[4];
            for (; i < count; i++)
            {
                Dot4(k, matrix.At(first + i, 0), 0, _vector, four);
                _sums[first + i] = four[0];
            }
        }

        private void Columns(int first, int count)
        {
            new Span<T>(_sums + first, count).Clear();
            var p = 0;
            for (; p + 4 <= k; p += 4)
                Axpy4(count, matrix.At(first, p), matrix.Stride, _vector + p, _sums + first);
            var four = stackalloc T[4];
            for (; p < k; p++)
            {
                *four = _vector[p];
                Axpy4(count, matrix.At(first, p), 0, four, _sums + first);
            }
        }
    }
}

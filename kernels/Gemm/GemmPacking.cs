using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>Copies operands of a product into the order in which the micro-kernels read them.</summary>
/// <remarks>
/// A panel holds <c>width</c> neighbouring rows of a left operand (columns of a right one), laid out [k, width]; what the
/// matrix lacks to a whole panel is zero. There are two ways to fill it, whichever operand it is: the width runs along
/// memory (<see cref="Along{T}"/>), or k does and the panel is a transpose (<see cref="Across{T}"/>).
/// </remarks>
internal static unsafe class GemmPacking
{
    /// <summary>panel[p, i] = source[p * stride + i] for i below <paramref name="count"/>, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Along<T>(T* source, nint stride, int count, int k, int width, T* panel)
        where T : unmanaged
    {
        var whole = count - count % Vector128<T>.Count;
        var wide = count - count % Vector256<T>.Count;
        for (var p = 0; p < k; p++)
        {
            var i = 0;
            for (; i < wide; i += Vector256<T>.Count)
                Vector256.Load(source + i).Store(panel + i);
            for (; i < whole; i += Vector128<T>.Count)
                Vector128.Load(source + i).Store(panel + i);
            for (; i < count; i++)
                panel[i] = source[i];
            for (; i < width; i++)
                panel[i] = default;
            source += stride;
            panel += width;
        }
    }

    /// <summary>panel[p, i] = source[p * stride + i] for i below <paramref name="count"/>, else 0, as double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AlongWidened(float* source, nint stride, int count, int k, int width, double* panel)
    {
        var whole = count - count % 4;
        for (var p = 0; p < k; p++)
        {
            var i = 0;
            for (; i < whole; i += 4)
            {
                var (low, high) = Vector128.Widen(Vector128.Load(source + i));
                low.Store(panel + i);
                high.Store(panel + i + 2);
            }

            for (; i < count; i++)
                panel[i] = source[i];
            for (; i < width; i++)
                panel[i] = 0;
            source += stride;
            panel += width;
        }
    }

    /// <summary>panel[p, i] = source[i * stride + p] for i below <paramref name="count"/>, else 0.</summary>
    public static void Across<T>(T* source, nint stride, int count, int k, int width, T* panel)
        where T : unmanaged
    {
        Transpose(source, stride, count, k, panel, width);
        for (nint p = 0; p < k && count < width; p++)
            new Span<T>(panel + p * width + count, width - count).Clear();
    }

    /// <summary>target[p * targetStride + i] = source[i * stride + p], for i below <paramref name="count"/>, p below
    /// <paramref name="k"/>.</summary>
    public static void Transpose<T>(T* source, nint stride, int count, int k, T* target, int targetStride)
        where T : unmanaged
    {
        var i = 0;
        if (Sse2.IsSupported && typeof(T) == typeof(float))
        {
            for (; i + 4 <= count; i += 4)
                FourRows((float*)source + i * stride, stride, k, targetStride, (float*)target + i);
        }
        else if (Sse2.IsSupported && typeof(T) == typeof(double))
        {
            for (; i + 2 <= count; i += 2)
                TwoRows((double*)source + i * stride, stride, k, targetStride, (double*)target + i);
        }

        for (; i < count; i++)
        {
            for (nint p = 0; p < k; p++)
                target[p * targetStride + i] = source[i * stride + p];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* source, nint stride, int k, nint width, float* panel)
    {
        float* r0 = source, r1 = r0 + stride, r2 = r1 + stride, r3 = r2 + stride;
        nint p = 0;
        for (; p + 4 <= k; p += 4)
        {
            // The next four rows: a panel is too shallow for the processor to see four streams by itself.
            Sse.Prefetch0(r0 + 4 * stride + p);
            Sse.Prefetch0(r1 + 4 * stride + p);
            Sse.Prefetch0(r2 + 4 * stride + p);
            Sse.Prefetch0(r3 + 4 * stride + p);
            var v0 = Vector128.Load(r0 + p);
            var v1 = Vector128.Load(r1 + p);
            var v2 = Vector128.Load(r2 + p);
            var v3 = Vector128.Load(r3 + p);
            var low01 = Sse.UnpackLow(v0, v1);
            var low23 = Sse.UnpackLow(v2, v3);
            var high01 = Sse.UnpackHigh(v0, v1);
            var high23 = Sse.UnpackHigh(v2, v3);
            Sse.MoveLowToHigh(low01, low23).Store(panel);
            Sse.MoveHighToLow(low23, low01).Store(panel + width);
            Sse.MoveLowToHigh(high01, high23).Store(panel + 2 * width);
            Sse.MoveHighToLow(high23, high01).Store(panel + 3 * width);
            panel += 4 * width;
        }

        for (; p < k; p++)
        {
            panel[0] = r0[p];
            panel[1] = r1[p];
            panel[2] = r2[p];
            panel[3] = r3[p];
            panel += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows(double* source, nint stride, int k, nint width, double* panel)
    {
        double* r0 = source, r1 = r0 + stride;
        nint p = 0;
        for (; p + 2 <= k; p += 2)
        {
            var v0 = Vector128.Load(r0 + p);
            var v1 = Vector128.Load(r1 + p);
            Sse2.UnpackLow(v0, v1).Store(panel);
            Sse2.UnpackHigh(v0, v1).Store(panel + width);
            panel += 2 * width;
        }

        for (; p < k; p++)
        {
            panel[0] = r0[p];
            panel[1] = r1[p];
            panel += width;
        }
    }

    /// <summary>c[i, j] (+)= tile[i, j] for a part of a tile that lies within the matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unload<T>(T* tile, int tileColumns, int rows, int columns, T* c, nint ldc, bool accumulate)
        where T : unmanaged, INumberBase<T>
    {
        var whole = columns - columns % Vector128<T>.Count;
        for (var i = 0; i < rows; i++, tile += tileColumns, c += ldc)
        {
            var j = 0;
            for (; j < whole; j += Vector128<T>.Count)
            {
                var value = Vector128.Load(tile + j);
                (accumulate ? value + Vector128.Load(c + j) : value).Store(c + j);
            }

            for (; j < columns; j++)
                c[j] = accumulate ? c[j] + tile[j] : tile[j];
        }
    }
}

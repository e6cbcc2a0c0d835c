using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Four outputs of a convolution of 3 taps and stride 2, from nine inputs and nine products.</summary>
/// <remarks>
/// y[i] = (x[2i] w0 + x[2i + 2] w2) + x[2i + 1] w1: the even inputs pass through F(4, 2), with the points a, -a, b, -b and
/// infinity; the odd ones are multiplied as they are, all by w1. The products of the five points come first, then those of
/// the four odd inputs. Of all pairs of eighths these points have the least error.
/// </remarks>
internal readonly unsafe struct WinogradF4Stride2 : IWinogradTransform
{
    private const double A = 0.375;
    private const double B = 1.25;

    // Values in the widest vector.
    private const int MostLanes = 16;

    // The Lagrange weights of a and b; those of -a and -b have the other sign.
    private const double WeightA = 1 / (2 * A * (A * A - B * B));
    private const double WeightB = 1 / (2 * B * (B * B - A * A));

    public static int Outputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    public static int Stride
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    public static int Points
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 9;
    }

    public static int WeightPoints
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 6;
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Input<V>(float* from, nint pixel, nint line, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        // rows: [5][9] vectors
        var memory = stackalloc float[46 * MostLanes];
        var rows = (float*)(((nint)memory + 63) & ~63);
        for (var j = 0; j < 9; j++)
        {
            var x = from + j * pixel;
            Even<V>(V.Load(x), V.Load(x + 2 * line), V.Load(x + 4 * line), V.Load(x + 6 * line), V.Load(x + 8 * line), rows + j * V.Count, 9 * V.Count);
        }

        for (var i = 0; i < 5; i++, rows += 9 * V.Count, to += 9 * step)
            Row<V>(rows, V.Count, to, step);
        for (var i = 1; i < 9; i += 2, to += 9 * step)
            Row<V>(from + i * line, pixel, to, step);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Output<V>(float* from, nint step, in WinogradTarget to)
        where V : unmanaged, ISimd<V, float>
    {
        // lines: [4][9] vectors
        var memory = stackalloc float[37 * MostLanes];
        var lines = (float*)(((nint)memory + 63) & ~63);
        for (var j = 0; j < 9; j++)
        {
            var m = from + j * step;
            var target = lines + j * V.Count;
            var m0 = V.Load(m);
            var m1 = V.Load(m + 9 * step);
            var m2 = V.Load(m + 18 * step);
            var m3 = V.Load(m + 27 * step);
            var (evenA, oddA, evenB, oddB) = (m0 + m1, m0 - m1, m2 + m3, m2 - m3);
            (evenA + evenB + V.Load(m + 45 * step)).Store(target);
            Sum(A, oddA, B, oddB, V.Load(m + 54 * step)).Store(target + 9 * V.Count);
            Sum(A * A, evenA, B * B, evenB, V.Load(m + 63 * step)).Store(target + 18 * V.Count);
            Sum(A * A * A, oddA, B * B * B, oddB, V.Load(m + 36 * step) + V.Load(m + 72 * step)).Store(target + 27 * V.Count);
        }

        for (var line = 0; line < 4; line++, lines += 9 * V.Count)
        {
            var m0 = V.Load(lines);
            var m1 = V.Load(lines + V.Count);
            var m2 = V.Load(lines + 2 * V.Count);
            var m3 = V.Load(lines + 3 * V.Count);
            var (evenA, oddA, evenB, oddB) = (m0 + m1, m0 - m1, m2 + m3, m2 - m3);
            var last = V.Load(lines + 4 * V.Count) + V.Load(lines + 8 * V.Count);
            to.Write(line, 0, evenA + evenB + V.Load(lines + 5 * V.Count), Sum(A, oddA, B, oddB, V.Load(lines + 6 * V.Count)));
            to.Write(
                line, 2, Sum(A * A, evenA, B * B, evenB, V.Load(lines + 7 * V.Count)), Sum(A * A * A, oddA, B * B * B, oddB, last));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weight<V>(double* from, nint fromStep, double* to, nint toStep)
        where V : unmanaged, ISimd<V, double>
    {
        var g0 = V.Load(from);
        var g1 = V.Load(from + fromStep);
        var g2 = V.Load(from + 2 * fromStep);
        (V.Constant(WeightA) * V.MultiplyAdd(V.Constant(A), g2, g0)).Store(to);
        (V.Constant(-WeightA) * V.MultiplyAdd(V.Constant(-A), g2, g0)).Store(to + toStep);
        (V.Constant(WeightB) * V.MultiplyAdd(V.Constant(B), g2, g0)).Store(to + 2 * toStep);
        (V.Constant(-WeightB) * V.MultiplyAdd(V.Constant(-B), g2, g0)).Store(to + 3 * toStep);
        g2.Store(to + 4 * toStep);
        g1.Store(to + 5 * toStep);
    }

    // The even pixels of a row are transformed, the odd ones copied.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<V>(float* x, nint pixel, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        Even<V>(V.Load(x), V.Load(x + 2 * pixel), V.Load(x + 4 * pixel), V.Load(x + 6 * pixel), V.Load(x + 8 * pixel), to, step);
        V.Load(x + pixel).Store(to + 5 * step);
        V.Load(x + 3 * pixel).Store(to + 6 * step);
        V.Load(x + 5 * pixel).Store(to + 7 * step);
        V.Load(x + 7 * pixel).Store(to + 8 * step);
    }

    // A row of B holds the coefficients of the polynomial that is zero in the other finite points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Even<V>(V d0, V d1, V d2, V d3, V d4, float* to, nint step)
        where V : unmanaged, ISimd<V, float>
    {
        var square = V.Constant(-B * B);
        var odd = V.MultiplyAdd(square, d1, d3);
        var even = V.Constant(A) * V.MultiplyAdd(square, d0, d2);
        (odd + even).Store(to);
        (odd - even).Store(to + step);
        square = V.Constant(-A * A);
        odd = V.MultiplyAdd(square, d1, d3);
        even = V.Constant(B) * V.MultiplyAdd(square, d0, d2);
        (odd + even).Store(to + 2 * step);
        (odd - even).Store(to + 3 * step);
        Sum(A * A * B * B, d0, -(A * A + B * B), d2, d4).Store(to + 4 * step);
    }

    // a x + b y + z
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Sum<V>(double a, V x, double b, V y, V z)
        where V : unmanaged, ISimd<V, float> => V.MultiplyAdd(V.Constant(b), y, V.MultiplyAdd(V.Constant(a), x, z));
}

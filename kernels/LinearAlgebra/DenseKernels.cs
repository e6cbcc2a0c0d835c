using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>
/// The inner loops of the float64 solvers, each written once and compiled for 512, 256 and 128 bits; the choice is made once
/// per call and costs nothing (the conditions are constants to the JIT).
/// </summary>
/// <remarks>A sum's order depends on the lengths and the register width alone, so results never depend on threads.</remarks>
internal static unsafe class DenseKernels
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    private static bool Wide => Vector512.IsHardwareAccelerated;

    private static bool Medium => Vector256.IsHardwareAccelerated && Fma.IsSupported;

    /// <summary>x · y</summary>
    public static double Dot(int n, double* x, double* y)
    {
        if (Wide)
            return Dot<Simd512<double>>(n, x, y);
        return Medium ? Dot<Simd256<double>>(n, x, y) : Dot<Simd128<double>>(n, x, y);
    }

    /// <summary>x · x, y · y and x · y in one pass.</summary>
    public static void Dot3(int n, double* x, double* y, out double xx, out double yy, out double xy)
    {
        if (Wide)
            Dot3<Simd512<double>>(n, x, y, out xx, out yy, out xy);
        else if (Medium)
            Dot3<Simd256<double>>(n, x, y, out xx, out yy, out xy);
        else
            Dot3<Simd128<double>>(n, x, y, out xx, out yy, out xy);
    }

    /// <summary>y[r] = a[r, :] · x for the given rows of a, each n long.</summary>
    public static void DotRows(int rows, int n, double* a, nint lda, double* x, double* y)
    {
        if (Wide)
            DotRows<Simd512<double>>(rows, n, a, lda, x, y);
        else if (Medium)
            DotRows<Simd256<double>>(rows, n, a, lda, x, y);
        else
            DotRows<Simd128<double>>(rows, n, a, lda, x, y);
    }

    /// <summary>y += sum over r of c[r] a[r, :], each row n long.</summary>
    public static void AddRows(int rows, int n, double* a, nint lda, double* c, double* y)
    {
        if (Wide)
            AddRows<Simd512<double>>(rows, n, a, lda, c, y);
        else if (Medium)
            AddRows<Simd256<double>>(rows, n, a, lda, c, y);
        else
            AddRows<Simd128<double>>(rows, n, a, lda, c, y);
    }

    /// <summary>The share of rows [first, last) of a symmetric product: for the lower triangle L of those rows, q[0, last) is
    /// set to L x + strict(L)ᵀ x.</summary>
    public static void SymmetricRows(int first, int last, double* a, nint lda, double* x, double* q)
    {
        if (Wide)
            SymmetricRows<Simd512<double>>(first, last, a, lda, x, q);
        else if (Medium)
            SymmetricRows<Simd256<double>>(first, last, a, lda, x, q);
        else
            SymmetricRows<Simd128<double>>(first, last, a, lda, x, q);
    }

    /// <summary>(x, y) becomes (c x - s y, s x + c y) for the cosine c that belongs to s; tau = s / (1 + c).</summary>
    /// <remarks>Written as a small correction, so that thousands of tiny rotations do not add up a rounding of c.</remarks>
    public static void Rotate(int n, double* x, double* y, double s, double tau)
    {
        if (Wide)
            Rotate<Simd512<double>>(n, x, y, s, tau);
        else if (Medium)
            Rotate<Simd256<double>>(n, x, y, s, tau);
        else
            Rotate<Simd128<double>>(n, x, y, s, tau);
    }

    /// <summary>How many columns a strip of <see cref="SweepPair"/> has.</summary>
    public static int StripWidth => Wide ? 16 : Medium ? 8 : 4;

    /// <summary>
    /// Two sweeps of plane rotations, one right behind the other, over a strip z of contiguous rows of
    /// <see cref="StripWidth"/> values: rotation i of a sweep has cosine cs[2 i] and sine cs[2 i + 1], acts on rows i and
    /// i + 1, and i runs from high - 1 down to low.
    /// </summary>
    /// <remarks>The second sweep follows one row behind the first, so a row is loaded and stored once for both.</remarks>
    public static void SweepPair(int low, int high, double* z, double* first, double* second)
    {
        if (Wide)
            SweepPair<Simd512<double>>(low, high, z, first, second);
        else if (Medium)
            SweepPair<Simd256<double>>(low, high, z, first, second);
        else
            SweepPair<Simd128<double>>(low, high, z, first, second);
    }

    [MethodImpl(Hot)]
    private static double Dot<V>(int n, double* x, double* y)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        V s0 = V.Zero, s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i + 4 * w <= n; i += 4 * w)
        {
            s0 = V.MultiplyAdd(V.Load(x + i), V.Load(y + i), s0);
            s1 = V.MultiplyAdd(V.Load(x + i + w), V.Load(y + i + w), s1);
            s2 = V.MultiplyAdd(V.Load(x + i + 2 * w), V.Load(y + i + 2 * w), s2);
            s3 = V.MultiplyAdd(V.Load(x + i + 3 * w), V.Load(y + i + 3 * w), s3);
        }

        for (; i + w <= n; i += w)
            s0 = V.MultiplyAdd(V.Load(x + i), V.Load(y + i), s0);
        var sum = (s0 + s1 + (s2 + s3)).Sum();
        for (; i < n; i++)
            sum += x[i] * y[i];
        return sum;
    }

    [MethodImpl(Hot)]
    private static void Dot3<V>(int n, double* x, double* y, out double xx, out double yy, out double xy)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        V a0 = V.Zero, a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0;
        var i = 0;
        for (; i + 2 * w <= n; i += 2 * w)
        {
            var x0 = V.Load(x + i);
            var y0 = V.Load(y + i);
            var x1 = V.Load(x + i + w);
            var y1 = V.Load(y + i + w);
            a0 = V.MultiplyAdd(x0, x0, a0);
            b0 = V.MultiplyAdd(y0, y0, b0);
            c0 = V.MultiplyAdd(x0, y0, c0);
            a1 = V.MultiplyAdd(x1, x1, a1);
            b1 = V.MultiplyAdd(y1, y1, b1);
            c1 = V.MultiplyAdd(x1, y1, c1);
        }

        xx = (a0 + a1).Sum();
        yy = (b0 + b1).Sum();
        xy = (c0 + c1).Sum();
        for (; i < n; i++)
        {
            xx += x[i] * x[i];
            yy += y[i] * y[i];
            xy += x[i] * y[i];
        }
    }

    [MethodImpl(Hot)]
    private static void DotRows<V>(int rows, int n, double* a, nint lda, double* x, double* y)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        var r = 0;
        for (; r + 4 <= rows; r += 4)
        {
            double* a0 = a + r * lda, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
            V s0 = V.Zero, s1 = s0, s2 = s0, s3 = s0;
            var i = 0;
            for (; i + w <= n; i += w)
            {
                var v = V.Load(x + i);
                s0 = V.MultiplyAdd(V.Load(a0 + i), v, s0);
                s1 = V.MultiplyAdd(V.Load(a1 + i), v, s1);
                s2 = V.MultiplyAdd(V.Load(a2 + i), v, s2);
                s3 = V.MultiplyAdd(V.Load(a3 + i), v, s3);
            }

            double t0 = s0.Sum(), t1 = s1.Sum(), t2 = s2.Sum(), t3 = s3.Sum();
            for (; i < n; i++)
            {
                t0 += a0[i] * x[i];
                t1 += a1[i] * x[i];
                t2 += a2[i] * x[i];
                t3 += a3[i] * x[i];
            }

            y[r] = t0;
            y[r + 1] = t1;
            y[r + 2] = t2;
            y[r + 3] = t3;
        }

        for (; r < rows; r++)
            y[r] = Dot<V>(n, a + r * lda, x);
    }

    [MethodImpl(Hot)]
    private static void AddRows<V>(int rows, int n, double* a, nint lda, double* c, double* y)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        var r = 0;
        for (; r + 4 <= rows; r += 4)
        {
            double* a0 = a + r * lda, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
            var c0 = V.Create(c[r]);
            var c1 = V.Create(c[r + 1]);
            var c2 = V.Create(c[r + 2]);
            var c3 = V.Create(c[r + 3]);
            var i = 0;
            for (; i + w <= n; i += w)
            {
                var u = V.MultiplyAdd(c0, V.Load(a0 + i), V.Load(y + i));
                var v = c2 * V.Load(a2 + i);
                u = V.MultiplyAdd(c1, V.Load(a1 + i), u);
                v = V.MultiplyAdd(c3, V.Load(a3 + i), v);
                (u + v).Store(y + i);
            }

            for (; i < n; i++)
                y[i] += c[r] * a0[i] + c[r + 1] * a1[i] + (c[r + 2] * a2[i] + c[r + 3] * a3[i]);
        }

        for (; r < rows; r++)
        {
            var row = a + r * lda;
            var c0 = V.Create(c[r]);
            var i = 0;
            for (; i + w <= n; i += w)
                V.MultiplyAdd(c0, V.Load(row + i), V.Load(y + i)).Store(y + i);
            for (; i < n; i++)
                y[i] += c[r] * row[i];
        }
    }

    [MethodImpl(Hot)]
    private static void SymmetricRows<V>(int first, int last, double* a, nint lda, double* x, double* q)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        new Span<double>(q, last).Clear();
        var r = first;
        for (; r + 4 <= last; r += 4)
        {
            double* a0 = a + r * lda, a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda;
            var x0 = V.Create(x[r]);
            var x1 = V.Create(x[r + 1]);
            var x2 = V.Create(x[r + 2]);
            var x3 = V.Create(x[r + 3]);
            V s0 = V.Zero, s1 = s0, s2 = s0, s3 = s0;
            var i = 0;
            for (; i + w <= r; i += w)
            {
                var v = V.Load(x + i);
                var r0 = V.Load(a0 + i);
                var r1 = V.Load(a1 + i);
                var r2 = V.Load(a2 + i);
                var r3 = V.Load(a3 + i);
                s0 = V.MultiplyAdd(r0, v, s0);
                s1 = V.MultiplyAdd(r1, v, s1);
                s2 = V.MultiplyAdd(r2, v, s2);
                s3 = V.MultiplyAdd(r3, v, s3);
                var t = V.MultiplyAdd(r0, x0, V.Load(q + i));
                var u = r2 * x2;
                t = V.MultiplyAdd(r1, x1, t);
                u = V.MultiplyAdd(r3, x3, u);
                (t + u).Store(q + i);
            }

            q[r] += s0.Sum();
            q[r + 1] += s1.Sum();
            q[r + 2] += s2.Sum();
            q[r + 3] += s3.Sum();
            // Left of the diagonal's 4 x 4 block some columns may remain; then the block itself.
            for (var k = r; k < r + 4; k++)
                Corner(i, k, a + k * lda, x, q);
        }

        for (; r < last; r++)
        {
            var row = a + r * lda;
            q[r] += Dot<V>(r + 1, row, x);
            AddRows<V>(1, r, row, lda, x + r, q);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Corner(int from, int k, double* row, double* x, double* q)
    {
        var sum = row[k] * x[k];
        for (var i = from; i < k; i++)
        {
            sum += row[i] * x[i];
            q[i] += row[i] * x[k];
        }

        q[k] += sum;
    }

    [MethodImpl(Hot)]
    private static void Rotate<V>(int n, double* x, double* y, double s, double tau)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        var vs = V.Create(s);
        var minusS = V.Create(-s);
        var vt = V.Create(tau);
        var minusT = V.Create(-tau);
        var i = 0;
        for (; i + w <= n; i += w)
        {
            var a = V.Load(x + i);
            var b = V.Load(y + i);
            V.MultiplyAdd(minusS, V.MultiplyAdd(vt, a, b), a).Store(x + i);
            V.MultiplyAdd(vs, V.MultiplyAdd(minusT, b, a), b).Store(y + i);
        }

        for (; i < n; i++)
        {
            double a = x[i], b = y[i];
            x[i] = a - s * (b + tau * a);
            y[i] = b + s * (a - tau * b);
        }
    }

    [MethodImpl(Hot)]
    private static void SweepPair<V>(int low, int high, double* z, double* first, double* second)
        where V : unmanaged, ISimd<V, double>
    {
        var w = V.Count;
        var stride = 2 * w;
        // u carries the first sweep's row i, v the second sweep's row i + 1: the rows that their next rotation changes again.
        var row = z + (nint)high * stride;
        V u0 = V.Load(row), u1 = V.Load(row + w), v0, v1;
        {
            row -= stride;
            var c = V.Create(first[2 * (high - 1)]);
            var s = V.Create(first[2 * (high - 1) + 1]);
            var minus = V.Create(-first[2 * (high - 1) + 1]);
            var x0 = V.Load(row);
            var x1 = V.Load(row + w);
            v0 = V.MultiplyAdd(c, u0, s * x0);
            v1 = V.MultiplyAdd(c, u1, s * x1);
            u0 = V.MultiplyAdd(minus, u0, c * x0);
            u1 = V.MultiplyAdd(minus, u1, c * x1);
        }

        for (var i = high - 2; i >= low; i--)
        {
            row -= stride;
            var c = V.Create(first[2 * i]);
            var s = V.Create(first[2 * i + 1]);
            var minus = V.Create(-first[2 * i + 1]);
            var x0 = V.Load(row);
            var x1 = V.Load(row + w);
            var y0 = V.MultiplyAdd(c, u0, s * x0);
            var y1 = V.MultiplyAdd(c, u1, s * x1);
            u0 = V.MultiplyAdd(minus, u0, c * x0);
            u1 = V.MultiplyAdd(minus, u1, c * x1);

            c = V.Create(second[2 * i + 2]);
            s = V.Create(second[2 * i + 3]);
            minus = V.Create(-second[2 * i + 3]);
            V.MultiplyAdd(c, v0, s * y0).Store(row + 2 * stride);
            V.MultiplyAdd(c, v1, s * y1).Store(row + 2 * stride + w);
            v0 = V.MultiplyAdd(minus, v0, c * y0);
            v1 = V.MultiplyAdd(minus, v1, c * y1);
        }

        var lastC = V.Create(second[2 * low]);
        var lastS = V.Create(second[2 * low + 1]);
        var lastMinus = V.Create(-second[2 * low + 1]);
        V.MultiplyAdd(lastC, v0, lastS * u0).Store(row + stride);
        V.MultiplyAdd(lastC, v1, lastS * u1).Store(row + stride + w);
        V.MultiplyAdd(lastMinus, v0, lastC * u0).Store(row);
        V.MultiplyAdd(lastMinus, v1, lastC * u1).Store(row + w);
    }
}

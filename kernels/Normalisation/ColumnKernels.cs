using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Sums over the rows of a matrix [rows, width], column by column, for normalisation.</summary>
/// <remarks>
/// Up to 64 rows are added in T, then the sums go to float64. Several registers side by side walk down the rows together: one
/// alone would jump from row to row, which the processor's prefetcher follows badly.
/// </remarks>
internal static unsafe class ColumnKernels
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
    private const long RowBlock = 64;

    /// <summary>What every value of a matrix adds to the one or two sums of its column.</summary>
    internal interface ITerm<V, T>
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        /// <summary>Adds a register's columns of a row from <paramref name="c"/> on, of which <paramref name="left"/> are there.</summary>
        void AddTo(ref V first, ref V second, long row, long c, long left);
    }

    private interface INumber
    {
        static abstract int Value { get; }
    }

    /// <summary>first[c], and second[c] unless that is null, are the sums of what <paramref name="term"/> adds over the rows of [rows, width].</summary>
    public static void Reduce<V, T, TTerm>(TTerm term, long rows, long width, double* first, double* second)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
        where TTerm : unmanaged, ITerm<V, T>
    {
        // The kernels leave their sums here: a call among their registers would spill all of them, in the loop too.
        var sums = stackalloc V[8];
        new Span<double>(first, (int)width).Clear();
        if (second != null)
            new Span<double>(second, (int)width).Clear();
        for (var row = 0L; row < rows; row += RowBlock)
        {
            var end = Math.Min(rows, row + RowBlock);
            for (var c = 0L; c < width;)
            {
                var n = Math.Min(width - c, 4 * V.Count);
                switch (n / V.Count)
                {
                    case 0: Columns<V, T, TTerm, One>(term, row, end, c, n, sums); break;
                    case 1: Columns<V, T, TTerm, One>(term, row, end, c, n = V.Count, sums); break;
                    case 2: Columns<V, T, TTerm, Two>(term, row, end, c, n = 2 * V.Count, sums); break;
                    case 3: Columns<V, T, TTerm, Three>(term, row, end, c, n = 3 * V.Count, sums); break;
                    default: Columns<V, T, TTerm, Four>(term, row, end, c, n, sums); break;
                }

                Add<V, T>(sums, first + c, n);
                if (second != null)
                    Add<V, T>(sums + 4, second + c, n);
                c += n;
            }
        }
    }

    /// <summary>A whole register, or what is left of a row with zeros behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Read<V, T>(T* x, long left)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged => left >= V.Count ? V.Load(x) : V.LoadPartial(x, left);

    /// <summary>Writes a whole register, or what is left of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<V, T>(V value, T* y, long left)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        if (left >= V.Count)
            value.Store(y);
        else
            value.StorePartial(y, left);
    }

    // N registers side by side; the last of a row, alone, may be partly filled.
    [MethodImpl(Hot)]
    private static void Columns<V, T, TTerm, N>(TTerm term, long row, long end, long c, long left, V* sums)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
        where TTerm : unmanaged, ITerm<V, T>
        where N : INumber
    {
        V a0 = V.Zero, a1 = V.Zero, a2 = V.Zero, a3 = V.Zero;
        V b0 = V.Zero, b1 = V.Zero, b2 = V.Zero, b3 = V.Zero;
        for (; row < end; row++)
        {
            term.AddTo(ref a0, ref b0, row, c, N.Value == 1 ? left : V.Count);
            if (N.Value > 1)
                term.AddTo(ref a1, ref b1, row, c + V.Count, V.Count);
            if (N.Value > 2)
                term.AddTo(ref a2, ref b2, row, c + 2 * V.Count, V.Count);
            if (N.Value > 3)
                term.AddTo(ref a3, ref b3, row, c + 3 * V.Count, V.Count);
        }

        (sums[0], sums[1], sums[2], sums[3]) = (a0, a1, a2, a3);
        (sums[4], sums[5], sums[6], sums[7]) = (b0, b1, b2, b3);
    }

    private static void Add<V, T>(V* sums, double* total, long n)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        for (; n >= V.Count; n -= V.Count, total += V.Count, sums++)
            sums->AddTo(total);
        for (var i = 0L; i < n; i++)
            total[i] += Scalar.Wide(((T*)sums)[i]);
    }

    private readonly struct One : INumber
    {
        public static int Value => 1;
    }

    private readonly struct Two : INumber
    {
        public static int Value => 2;
    }

    private readonly struct Three : INumber
    {
        public static int Value => 3;
    }

    private readonly struct Four : INumber
    {
        public static int Value => 4;
    }
}

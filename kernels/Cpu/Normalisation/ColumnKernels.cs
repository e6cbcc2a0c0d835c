using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Sums over the rows of a matrix [rows, width], column by column, for normalisation.</summary>
/// <remarks>Up to 64 rows are added in T, then the sums go to float64.</remarks>
internal static unsafe class ColumnKernels
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;
    private const long RowBlock = 64;

    /// <summary>total[c] = sum of x[:, c].</summary>
    [MethodImpl(Hot)]
    public static void Sum<V, T>(T* x, long rows, long width, double* total)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        new Span<double>(total, (int)width).Clear();
        for (var row = 0L; row < rows; row += RowBlock)
        {
            var end = Math.Min(rows, row + RowBlock);
            for (var c = 0L; c < width; c += V.Count)
            {
                var n = width - c;
                var sum = V.Zero;
                for (var r = row; r < end; r++)
                    sum += Read<V, T>(x + r * width + c, n);
                Add<V, T>(sum, total + c, n);
            }
        }
    }

    /// <summary>total[c] = sum of (x[:, c] - mean[c])^2.</summary>
    [MethodImpl(Hot)]
    public static void SquaredDeviations<V, T>(T* x, long rows, long width, T* mean, double* total)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        new Span<double>(total, (int)width).Clear();
        for (var row = 0L; row < rows; row += RowBlock)
        {
            var end = Math.Min(rows, row + RowBlock);
            for (var c = 0L; c < width; c += V.Count)
            {
                var n = width - c;
                var centre = Read<V, T>(mean + c, n);
                var sum = V.Zero;
                for (var r = row; r < end; r++)
                {
                    var deviation = Read<V, T>(x + r * width + c, n) - centre;
                    sum = V.MultiplyAdd(deviation, deviation, sum);
                }

                Add<V, T>(sum, total + c, n);
            }
        }
    }

    /// <summary>sum[c] = sum of dy[:, c]; product[c] = sum of dy[:, c] (x[:, c] - mean[c]).</summary>
    [MethodImpl(Hot)]
    public static void Gradients<V, T>(T* x, T* dy, long rows, long width, T* mean, double* sum, double* product)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        new Span<double>(sum, (int)width).Clear();
        new Span<double>(product, (int)width).Clear();
        for (var row = 0L; row < rows; row += RowBlock)
        {
            var end = Math.Min(rows, row + RowBlock);
            for (var c = 0L; c < width; c += V.Count)
            {
                var n = width - c;
                var centre = Read<V, T>(mean + c, n);
                V first = V.Zero, second = V.Zero;
                for (var r = row; r < end; r++)
                {
                    var g = Read<V, T>(dy + r * width + c, n);
                    first += g;
                    second = V.MultiplyAdd(g, Read<V, T>(x + r * width + c, n) - centre, second);
                }

                Add<V, T>(first, sum + c, n);
                Add<V, T>(second, product + c, n);
            }
        }
    }

    /// <summary>sum[c] = sum of dy[:, c]; product[c] = sum over r of dy[r, c] (x[r, c] - mean[r]) rstd[r].</summary>
    [MethodImpl(Hot)]
    public static void RowGradients<V, T>(T* x, T* dy, long rows, long width, T* mean, T* rstd, double* sum, double* product)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        new Span<double>(sum, (int)width).Clear();
        new Span<double>(product, (int)width).Clear();
        for (var row = 0L; row < rows; row += RowBlock)
        {
            var end = Math.Min(rows, row + RowBlock);
            for (var c = 0L; c < width; c += V.Count)
            {
                var n = width - c;
                V first = V.Zero, second = V.Zero;
                for (var r = row; r < end; r++)
                {
                    var g = Read<V, T>(dy + r * width + c, n);
                    first += g;
                    var deviation = (Read<V, T>(x + r * width + c, n) - V.Create(mean[r])) * V.Create(rstd[r]);
                    second = V.MultiplyAdd(g, deviation, second);
                }

                Add<V, T>(first, sum + c, n);
                Add<V, T>(second, product + c, n);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<V, T>(V value, double* total, long left)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        if (left >= V.Count)
        {
            value.AddTo(total);
            return;
        }

        AddPartial<V, T>(value, total, left);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddPartial<V, T>(V value, double* total, long left)
        where V : unmanaged, ISimd<V, T>
        where T : unmanaged
    {
        var lanes = stackalloc T[V.Count];
        value.Store(lanes);
        for (var i = 0L; i < left; i++)
            total[i] += Scalar.Wide(lanes[i]);
    }
}

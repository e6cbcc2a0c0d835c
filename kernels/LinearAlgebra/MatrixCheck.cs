using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>What every solver asks of its input before it starts, and the scaling that keeps squares in range.</summary>
internal static unsafe class MatrixCheck
{
    /// <exception cref="EscException">The span does not hold rows x columns values (usage).</exception>
    public static void Size(string operation, int length, int rows, int columns)
    {
        if (rows < 0 || columns < 0 || length != (long)rows * columns)
            throw new UsageException($"{operation}: got {length} values, wants {rows} x {columns}");
    }

    /// <summary>The largest magnitude of one row.</summary>
    /// <exception cref="EscException">A NaN or an infinity (bad input), with its place.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double LargestFinite(string operation, int row, double* a, int columns)
    {
        double largest = 0;
        for (var j = 0; j < columns; j++)
        {
            var value = Math.Abs(a[j]);
            if (!double.IsFinite(value))
            {
                throw new EscException(
                    ErrorCode.BadInput,
                    $"{operation}: row {row}, column {j} is {a[j]}; wants finite values. Check the features that it was made of");
            }

            largest = Math.Max(largest, value);
        }

        return largest;
    }

    /// <summary>2^exponent as two factors, since it may itself be out of range.</summary>
    public static (double First, double Second) Factors(int exponent) =>
        (Math.ScaleB(1, exponent / 2), Math.ScaleB(1, exponent - exponent / 2));

    /// <summary>The exponent x for which 2^x times the largest magnitude lies in [1, 2): scaling by it rounds nothing.</summary>
    public static int ScaleExponent(double largest) => largest == 0 ? 0 : -Math.ILogB(largest);

    /// <summary>The factor (1 or -1) that makes the component of largest magnitude, the first of equals, positive.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sign(int n, double* x)
    {
        var best = 0.0;
        var sign = 1.0;
        for (var i = 0; i < n; i++)
        {
            var value = Math.Abs(x[i]);
            if (value > best)
            {
                best = value;
                sign = x[i] < 0 ? -1 : 1;
            }
        }

        return sign;
    }

    /// <summary>The order that sorts values descending; equal values keep their order.</summary>
    public static int[] Descending(int n, double* values)
    {
        var keys = new double[n];
        for (var i = 0; i < n; i++)
            keys[i] = values[i];
        return [.. Enumerable.Range(0, n).OrderByDescending(i => keys[i])];
    }
}

using EscNative.Kernels.Cpu;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>
/// Linear centred kernel alignment of two feature matrices (Kornblith et al., 2019):
/// |XᵀY|² / (|XᵀX| |YᵀY|) with centred columns and Frobenius norms. It does not change under rotation and scaling.
/// </summary>
/// <remarks>From d x d second moments in float64, so memory does not grow with the rows.</remarks>
/// <param name="Value">0 to 1; null if a side does not vary, or there are fewer than two rows.</param>
/// <param name="Interval">By a jackknife that leaves out a tenth of the rows at a time; null where there are too few.</param>
/// <param name="Rows">How many rows.</param>
public sealed record CkaResult(double? Value, Interval? Interval, int Rows)
{
    // A side whose centred moments are below this share of its raw ones holds rounding only.
    private const double Rounding = 1e-12;
    private const int Groups = 10;

    /// <summary>Computes it for some rows of two sets.</summary>
    internal static CkaResult Of(FeatureSplit a, FeatureSplit b, int[] rows)
    {
        var groups = rows.Length >= 2 * Groups ? Groups : 1;
        var parts = new Moments[groups];
        var origin = Origin(a, b, rows);
        var all = new Moments(a.Width, b.Width, origin);
        for (var g = 0; g < groups; g++)
        {
            var (first, end) = ((int)((long)rows.Length * g / groups), (int)((long)rows.Length * (g + 1) / groups));
            parts[g] = Moments.Of(a, b, rows.AsSpan(first, end - first), origin);
            all.Add(parts[g], 1);
        }

        var value = all.Alignment();
        return new CkaResult(value, value is null || groups == 1 ? null : Jackknife(all, parts, value.Value), rows.Length);
    }

    // The first row: a mean that is large against the deviation would cost the moments their digits.
    private static double[] Origin(FeatureSplit a, FeatureSplit b, int[] rows)
    {
        var origin = new double[a.Width + b.Width];
        for (var j = 0; j < origin.Length && rows.Length > 0; j++)
            origin[j] = j < a.Width ? a.Row(rows[0])[j] : b.Row(rows[0])[j - a.Width];
        return origin;
    }

    private static Interval? Jackknife(Moments all, Moments[] parts, double value)
    {
        var squares = 0.0;
        var without = new double[parts.Length];
        for (var g = 0; g < parts.Length; g++)
        {
            all.Add(parts[g], -1);
            var left = all.Alignment();
            all.Add(parts[g], 1);
            if (left is null)
                return null;
            without[g] = left.Value;
        }

        var mean = without.Average();
        foreach (var v in without)
            squares += (v - mean) * (v - mean);
        return Statistics.Interval.Normal(value, Math.Sqrt(squares * (parts.Length - 1) / parts.Length)).Within(0, 1);
    }

    /// <summary>Sums of columns and of products of columns, of rows [x, y] less an origin.</summary>
    private sealed unsafe class Moments(int widthA, int widthB, double[] origin)
    {
        private readonly double[] _sums = new double[widthA + widthB];

        // [widthA + widthB, the same]: the upper triangle and the lower one.
        private readonly double[] _products = new double[(widthA + widthB) * (widthA + widthB)];
        private double _rows;

        private int Side => widthA + widthB;

        public static Moments Of(FeatureSplit a, FeatureSplit b, ReadOnlySpan<int> rows, double[] origin)
        {
            var moments = new Moments(a.Width, b.Width, origin);
            var joined = new double[rows.Length * moments.Side];
            for (var i = 0; i < rows.Length; i++)
            {
                var row = joined.AsSpan(i * moments.Side, moments.Side);
                var x = a.Row(rows[i]);
                var y = b.Row(rows[i]);
                for (var j = 0; j < x.Length; j++)
                    row[j] = x[j] - origin[j];
                for (var j = 0; j < y.Length; j++)
                    row[x.Length + j] = y[j] - origin[x.Length + j];
                for (var j = 0; j < row.Length; j++)
                    moments._sums[j] += row[j];
            }

            moments._rows = rows.Length;
            fixed (double* x = joined, products = moments._products)
                Gemm.GramF64(rows.Length, moments.Side, x, moments.Side, products);
            return moments;
        }

        public void Add(Moments other, int sign)
        {
            for (var i = 0; i < _sums.Length; i++)
                _sums[i] += sign * other._sums[i];
            for (var i = 0; i < _products.Length; i++)
                _products[i] += sign * other._products[i];
            _rows += sign * other._rows;
        }

        public double? Alignment()
        {
            if (_rows < 2)
                return null;
            var (xx, rawX) = Norm(0, widthA, 0, widthA);
            var (yy, rawY) = Norm(widthA, Side, widthA, Side);
            if (xx <= Rounding * rawX || yy <= Rounding * rawY)
                return null;
            var xy = Norm(0, widthA, widthA, Side).Centred;
            return Math.Min(1, xy * xy / (xx * yy));
        }

        private (double Centred, double Raw) Norm(int firstRow, int endRow, int firstColumn, int endColumn)
        {
            double centred = 0, raw = 0;
            for (var i = firstRow; i < endRow; i++)
            {
                for (var j = firstColumn; j < endColumn; j++)
                {
                    var product = _products[(i * Side) + j];
                    var value = product - (_sums[i] * _sums[j] / _rows);
                    // With the origin put back: what rounding is measured against.
                    var whole = product + (origin[i] * _sums[j]) + (_sums[i] * origin[j]) + (_rows * origin[i] * origin[j]);
                    centred += value * value;
                    raw += whole * whole;
                }
            }

            return (Math.Sqrt(centred), Math.Sqrt(raw));
        }
    }
}

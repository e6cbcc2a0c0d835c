using EscNative.Kernels.Cpu.LinearAlgebra;

namespace EscNative.Unlearning.Features;

/// <summary>The mean feature of each class, P = [p_1 .. p_C], and its pseudo-inverse D, with which D z says how much of each class a feature has.</summary>
/// <param name="width">d.</param>
/// <param name="classes">How many classes the model has.</param>
internal sealed class Prototypes(int width, int classes)
{
    private readonly double[] _sums = new double[classes * width];
    private readonly long[] _counts = new long[classes];

    /// <summary>The classes that have images, ascending; column j of P and row j of D belong to the j-th of them.</summary>
    public int[] Classes => [.. Enumerable.Range(0, classes).Where(c => _counts[c] > 0)];

    /// <summary>Adds features.</summary>
    /// <param name="rows">[n, d].</param>
    /// <param name="labels">[n].</param>
    public void Add(ReadOnlySpan<float> rows, ReadOnlySpan<int> labels)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            var sum = _sums.AsSpan(labels[i] * width, width);
            for (var j = 0; j < width; j++)
                sum[j] += rows[(i * width) + j];
            _counts[labels[i]]++;
        }
    }

    /// <summary>P, [d, C].</summary>
    public double[] Matrix()
    {
        var present = Classes;
        var matrix = new double[width * present.Length];
        for (var j = 0; j < present.Length; j++)
        {
            for (var i = 0; i < width; i++)
                matrix[(i * present.Length) + j] = _sums[(present[j] * width) + i] / _counts[present[j]];
        }

        return matrix;
    }

    /// <summary>
    /// D = P⁺, [C, d]: from P = U S Vᵀ it is V S (S² + ridge s_1²)⁻¹ Uᵀ over the singular values above tolerance s_1. Prototypes that
    /// are nearly collinear would else have an enormous D.
    /// </summary>
    /// <param name="matrix">P, [d, C].</param>
    /// <param name="width">d.</param>
    /// <param name="tolerance">Relative to the largest singular value.</param>
    /// <param name="ridge">Relative to its square; 0 for the truncated pseudo-inverse.</param>
    /// <param name="notes">Told of singular values that were dropped.</param>
    public static double[] Inverse(double[] matrix, int width, double tolerance, double ridge, List<string> notes)
    {
        var columns = matrix.Length / width;
        var svd = Svd.Decompose(matrix, width, columns, SvdVectors.Both);
        var largest = svd.Values[0];
        var rank = svd.Values.Count(s => s > tolerance * largest);
        if (rank < columns)
            notes.Add(FormattableString.Invariant($"{columns - rank} of {columns} directions of the class prototypes are below {tolerance} of the largest and were dropped: the classes are not told apart exactly"));
        var right = MatrixMath.Columns(svd.Right, columns, svd.RightCount, rank);
        for (var i = 0; i < right.Length; i++)
        {
            var s = svd.Values[i % rank];
            right[i] *= s / ((s * s) + (ridge * largest * largest));
        }

        return MatrixMath.Multiply(columns, width, rank, right, false, MatrixMath.Columns(svd.Left, width, svd.LeftCount, rank), true);
    }

    /// <summary>The change z - (P_f - P_t) D_f z, [d, F] each: what a feature has of the forgotten classes goes, or turns into other classes.</summary>
    /// <param name="matrix">P, [d, C].</param>
    /// <param name="inverse">D, [C, d].</param>
    /// <param name="width">d.</param>
    /// <param name="forgotten">The forgotten classes' columns.</param>
    /// <param name="targets">P_t: for each of them the columns whose mean takes its place; empty for none.</param>
    public static FeatureChange Change(double[] matrix, double[] inverse, int width, int[] forgotten, int[][] targets)
    {
        var (columns, rank) = (matrix.Length / width, forgotten.Length);
        var (left, right) = (new double[width * rank], new double[width * rank]);
        for (var i = 0; i < width; i++)
        {
            for (var f = 0; f < rank; f++)
            {
                left[(i * rank) + f] = matrix[(i * columns) + forgotten[f]];
                foreach (var target in targets[f])
                    left[(i * rank) + f] -= matrix[(i * columns) + target] / targets[f].Length;
                right[(i * rank) + f] = inverse[(forgotten[f] * width) + i];
            }
        }

        return new FeatureChange(width, left, right);
    }
}

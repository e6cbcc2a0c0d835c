using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>What linear probes do with a block of rows that stays in the cache.</summary>
internal static unsafe class RowBlocks
{
    private const int BlockValues = 32768;

    /// <summary>Rows of a block: depends on the width alone, so results do not depend on the number of threads.</summary>
    public static int RowsFor(int width) => Math.Clamp(BlockValues / width / 8 * 8, 16, 256);

    /// <summary>x = (z - mean) scale, in double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Standardise(float* z, int rows, int width, double* mean, double* scale, double* x)
    {
        for (var row = 0; row < rows; row++, z += width, x += width)
        {
            var j = 0;
            for (; j + 4 <= width; j += 4)
            {
                var wide = Vector256.Create(
                    Vector128.WidenLower(Vector128.Load(z + j)), Vector128.WidenUpper(Vector128.Load(z + j)));
                ((wide - Vector256.Load(mean + j)) * Vector256.Load(scale + j)).Store(x + j);
            }

            for (; j < width; j++)
                x[j] = (z[j] - mean[j]) * scale[j];
        }
    }

    /// <summary>scores = x Wᵀ + b. x: [rows, width], W: [classes, width].</summary>
    public static void Scores(double* x, int rows, int width, double* weight, double* bias, int classes, double* scores)
    {
        for (var row = 0; row < rows; row++)
            Unsafe.CopyBlock(scores + ((long)row * classes), bias, (uint)classes * sizeof(double));
        Gemm.Multiply(rows, classes, width, x, width, false, weight, width, true, scores, classes, accumulate: true);
    }

    /// <summary>
    /// Turns scores into the gradient of the summed cross-entropy, w_y (softmax - onehot(y)), and returns that sum.
    /// </summary>
    /// <param name="scores">[rows, classes]; overwritten.</param>
    /// <param name="labels">[rows].</param>
    /// <param name="classWeights">[classes], w.</param>
    public static double CrossEntropy(double* scores, int rows, int classes, int* labels, double* classWeights)
    {
        var loss = 0.0;
        for (var row = 0; row < rows; row++)
        {
            var s = scores + ((long)row * classes);
            var largest = s[0];
            for (var c = 1; c < classes; c++)
                largest = Math.Max(largest, s[c]);
            for (var c = 0; c < classes; c++)
                s[c] -= largest;
            loss -= classWeights[labels[row]] * s[labels[row]];
        }

        Exp(scores, (long)rows * classes);
        for (var row = 0; row < rows; row++)
        {
            var s = scores + ((long)row * classes);
            var sum = 0.0;
            for (var c = 0; c < classes; c++)
                sum += s[c];
            var weight = classWeights[labels[row]];
            loss += weight * Math.Log(sum);
            for (var c = 0; c < classes; c++)
                s[c] *= weight / sum;
            s[labels[row]] -= weight;
        }

        return loss;
    }

    /// <summary>sums += the sum of all rows. values: [rows, columns], sums: [columns].</summary>
    public static void AddRows(double* values, int rows, int columns, double* sums)
    {
        for (var row = 0; row < rows; row++, values += columns)
        {
            for (var c = 0; c < columns; c++)
                sums[c] += values[c];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exp(double* values, long count)
    {
        long i = 0;
        for (; i + 4 <= count; i += 4)
            Vector256.Exp(Vector256.Load(values + i)).Store(values + i);
        if (i == count)
            return;
        // The rest by the same function: a value's bits do not depend on its place.
        var rest = stackalloc double[4];
        for (var j = 0; j < count - i; j++)
            rest[j] = values[i + j];
        Vector256.Exp(Vector256.Load(rest)).Store(rest);
        for (var j = 0; i < count; i++, j++)
            values[i] = rest[j];
    }
}

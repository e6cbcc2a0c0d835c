using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EscNative.Unlearning.Subspaces;

/// <summary>Features must be finite: one NaN would spread over the whole Gram matrix.</summary>
internal static class FeatureCheck
{
    /// <param name="rows">[count, dimension]</param>
    /// <param name="dimension">Values in a row.</param>
    /// <param name="firstRow">The number of the first row in the caller's counting, for the message.</param>
    /// <exception cref="EscException">A value that is not finite (bad input).</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Finite(ReadOnlySpan<float> rows, int dimension, long firstRow)
    {
        // x - x is 0 for a finite x and NaN for the others, which survives the sum.
        var sum = Vector128<float>.Zero;
        var vectors = MemoryMarshal.Cast<float, Vector128<float>>(rows);
        foreach (var v in vectors)
            sum += v - v;
        var rest = 0f;
        foreach (var x in rows[(vectors.Length * Vector128<float>.Count)..])
            rest += x - x;
        if (Vector128.Sum(sum) + rest == 0)
            return;

        var at = 0;
        while (float.IsFinite(rows[at]))
            at++;
        throw new EscException(
            ErrorCode.BadInput,
            $"features: row {firstRow + at / dimension}, column {at % dimension} is {rows[at]}; wants finite values. " +
            "Check that image for damage and the model's weights for NaN or infinity");
    }
}

using EscNative.Engine;

namespace EscNative.Tests.Engine;

public static partial class OperationCases
{
    /// <summary>softmax(q kᵀ / √(d / heads)) v, head by head: q [.., t, d], k and v [.., s, d].</summary>
    internal static NdArray Attention(NdArray q, NdArray k, NdArray v, int heads)
    {
        var (size, keys) = (q.Shape[^1] / heads, k.Shape[^2]);
        var y = new NdArray(q.Shape);
        foreach (var row in NdArray.Indices(q.Shape[..^1]))
        {
            for (var first = 0; first < q.Shape[^1]; first += size)
            {
                var scores = Enumerable.Range(0, keys).Select(
                    key => Enumerable.Range(first, size).Sum(c => q[[.. row, c]] * k[[.. row[..^1], key, c]]) / Math.Sqrt(size)).ToArray();
                var shares = Array.ConvertAll(scores, score => Math.Exp(score - scores.Max()));
                for (var c = first; c < first + size; c++)
                    y[[.. row, c]] = keys == 0 ? 0 : Enumerable.Range(0, keys).Sum(key => shares[key] * v[[.. row[..^1], key, c]]) / shares.Sum();
            }
        }

        return y;
    }

    private static IEnumerable<OperationCase> Attention()
    {
        (int[] Leading, int Queries, int Keys, int Width, int Heads)[] shapes =
        [
            ([2], 5, 5, 6, 1), ([2], 5, 7, 6, 3), ([3], 7, 2, 10, 2), ([], 3, 4, 4, 2), ([2, 3], 4, 5, 3, 1), ([2], 1, 1, 6, 2), ([1], 1, 9, 1, 1),
            ([0], 3, 3, 4, 2), ([2], 0, 3, 4, 2), ([2], 3, 0, 4, 2), ([2], 3, 3, 0, 1), ([3], 33, 35, 20, 4),
        ];
        foreach (var (leading, t, s, d, heads) in shapes)
        {
            int[] asked = [.. leading, t, d], answered = [.. leading, s, d];
            // Forward a score sums d / heads products and a result the keys; backward a key sums the queries too.
            yield return new(
                $"attention of {Text(asked)} to {Text(answered)} in {heads}", [Input.Of(asked), Input.Of(answered), Input.Of(answered)],
                x => Tensor.ScaledDotProductAttention(x[0], x[1], x[2], heads), x => Attention(x[0], x[1], x[2], heads))
            {
                Terms = s + d + 1,
                // A result is a mean of values of both signs, and may be much smaller than they are.
                Factor = 16,
                GradientTerms = t + s + d + 1,
                // A share's gradient is a difference of two sums that may be much larger.
                GradientFactor = 24,
            };
        }
    }
}

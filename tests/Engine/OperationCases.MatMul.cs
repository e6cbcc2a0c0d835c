namespace EscNative.Tests.Engine;

public static partial class OperationCases
{
    private static IEnumerable<OperationCase> MatrixProducts()
    {
        (int[] A, int[] B)[] shapes =
        [
            ([1, 1], [1, 1]), ([3, 5], [5, 7]), ([17, 33], [33, 9]), ([1, 20], [20, 1]), ([6, 1], [1, 6]),
            ([0, 3], [3, 4]), ([3, 0], [0, 4]), ([3, 4], [4, 0]), ([70, 130], [130, 90]),
            ([2, 3, 5], [2, 5, 4]), ([2, 3, 3, 5], [2, 3, 5, 2]), ([4, 3, 5], [5, 2]), ([3, 5], [4, 5, 2]), ([2, 2, 3, 4], [4, 3]),
            ([3, 4], [2, 2, 4, 3]), ([0, 3, 4], [0, 4, 2]), ([1, 3, 4], [1, 4, 5]), ([5, 1, 4], [5, 4, 1]), ([3, 40, 30], [3, 30, 20]),
        ];
        foreach (var (a, b) in shapes)
        {
            // Forward sums k products, backward m or n of them and the batch.
            yield return new($"{Text(a)} x {Text(b)}", [Input.Of(a), Input.Of(b)], x => x[0].MatMul(x[1]), x => MatMul(x[0], x[1]))
            {
                Terms = a[^1],
                GradientTerms = NdArray.Product(a) + NdArray.Product(b),
            };
        }

        foreach (var (x, o, bias) in (ValueTuple<int[], int, bool>[])
            [([4, 7], 3, true), ([4, 7], 3, false), ([7], 3, true), ([2, 3, 7], 5, true), ([0, 7], 3, true), ([4, 0], 3, true), ([33, 65], 17, true)])
        {
            Input[] inputs = [Input.Of(x), Input.Of(o, x[^1])];
            yield return new(
                $"linear of {Text(x)} to {o}{(bias ? "" : " without bias")}", bias ? [.. inputs, Input.Of(o)] : inputs,
                t => t[0].Linear(t[1], t.ElementAtOrDefault(2)), a => Linear(a[0], a[1], a.ElementAtOrDefault(2)))
            {
                Terms = x[^1] + 1,
                GradientTerms = NdArray.Product(x) + o,
            };
        }
    }

    private static NdArray MatMul(NdArray a, NdArray b)
    {
        var leading = a.Rank >= b.Rank ? a.Shape[..^2] : b.Shape[..^2];
        var y = new NdArray([.. leading, a.Shape[^2], b.Shape[^1]]);
        return NdArray.Build(y.Shape, index =>
        {
            var sum = 0.0;
            for (var k = 0; k < a.Shape[^1]; k++)
            {
                var left = a.Rank == 2 ? a[index[^2], k] : a[[.. index[..^1], k]];
                var right = b.Rank == 2 ? b[k, index[^1]] : b[[.. index[..^2], k, index[^1]]];
                sum += left * right;
            }

            return sum;
        });
    }

    private static NdArray Linear(NdArray x, NdArray weight, NdArray? bias) =>
        NdArray.Build([.. x.Shape[..^1], weight.Shape[0]], index =>
        {
            var sum = bias is null ? 0 : bias[index[^1]];
            for (var k = 0; k < x.Shape[^1]; k++)
                sum += x[[.. index[..^1], k]] * weight[index[^1], k];
            return sum;
        });
}

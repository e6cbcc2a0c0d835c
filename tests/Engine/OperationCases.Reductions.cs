using EscNative.Engine;

namespace EscNative.Tests.Engine;

public static partial class OperationCases
{
    private static IEnumerable<OperationCase> Reductions()
    {
        (int[] Shape, int[] Axes)[] folds =
        [
            ([7], [0]), ([3, 5], [0]), ([3, 5], [-1]), ([3, 5], [0, 1]), ([2, 3, 4], [1]), ([2, 3, 4], [0, 2]), ([2, 3, 4], [-1, 0]),
            ([2, 3, 4], [1, 2]), ([2, 3, 4], []), ([1, 1], [0]), ([3, 1, 4], [1]), ([2, 3, 2, 3, 2, 2], [1, 3, 4]), ([5, 0, 2], [0]),
            ([0, 4], [1]), ([90, 130], [0]), ([90, 130], [1]), ([5, 41, 37], [0, 2]), ([3000], [0]),
        ];
        foreach (var (shape, axes) in folds)
        {
            foreach (var keepDim in (bool[])[false, true])
            {
                var text = $"{Text(shape)} over {Text(axes)}{(keepDim ? ", kept" : "")}";
                var terms = Math.Max(NdArray.Product([.. axes.Select(a => shape[a < 0 ? a + shape.Length : a])]), 1);
                yield return new($"sum of {text}", [Input.Of(shape)], x => x[0].Sum(axes, keepDim), x => x[0].Reduce(axes, keepDim, v => v.Sum())) { Terms = terms };
                yield return new(
                    $"mean of {text}", [Input.Of(shape)], x => x[0].Mean(axes, keepDim),
                    x => x[0].Reduce(axes, keepDim, v => v.Sum() / v.Count))
                { Terms = terms };
                yield return new($"max of {text}", [Input.Distinct(shape)], x => x[0].Max(axes, keepDim), x => x[0].Reduce(axes, keepDim, v => v.Max()));
            }
        }

        yield return new("sum of no values", [Input.Of(0, 3)], x => x[0].Sum(0), _ => new NdArray([3]));
        yield return new("sum of all", [Input.Of(3, 4, 5)], x => x[0].Sum(), x => NdArray.Scalar(x[0].Values.Sum())) { Terms = 60 };
        yield return new("sum of a scalar", [Input.Of()], x => x[0].Sum(), x => x[0]);
        yield return new("mean of all", [Input.Of(3, 4, 5)], x => x[0].Mean(), x => NdArray.Scalar(x[0].Values.Average())) { Terms = 60 };
        yield return new("max of all", [Input.Distinct(3, 4, 5)], x => x[0].Max(), x => NdArray.Scalar(x[0].Values.Max()));
        foreach (var (shape, axis) in (ValueTuple<int[], int>[])[([7], 0), ([3, 5], 0), ([3, 5], -1), ([2, 3, 4], 1), ([0, 4], 1), ([5, 0], 0), ([90, 130], 1)])
        {
            yield return new(
                $"argmax of {Text(shape)} along {axis}", [Input.Distinct(shape).Constant()], x => x[0].ArgMax(axis),
                x => x[0].Reduce([axis], false, v => v.IndexOf(v.Max())));
        }

        // The mean and the sums of a batch of images, one axis after another: three nodes in a row.
        yield return new(
            "mean of the sum of a product", [Input.Of(4, 3, 5), Input.Of(3, 1)], x => (x[0] * x[1]).Sum(1).Mean([0]),
            x => (x[0] * x[1]).Reduce([1], false, v => v.Sum()).Reduce([0], false, v => v.Average()))
        { Terms = 12, GradientTerms = 20, SingleCall = false };
    }

    private static IEnumerable<OperationCase> Views()
    {
        yield return View("reshape", [Input.Of(3, 4)], x => x[0].Reshape(2, 6), x => x[0].Reshape(2, 6));
        yield return View("reshape to a free extent", [Input.Of(2, 3, 4)], x => x[0].Reshape(-1, 4), x => x[0].Reshape(6, 4));
        yield return View("reshape to a vector", [Input.Of(2, 3, 4)], x => x[0].Reshape(-1), x => x[0].Reshape(24));
        yield return View("reshape of one value to a scalar", [Input.Of(1, 1)], x => x[0].Reshape(new Shape()), x => x[0].Reshape());
        yield return View("reshape of a scalar", [Input.Of()], x => x[0].Reshape(1, 1, 1), x => x[0].Reshape(1, 1, 1));
        yield return View("reshape of no values", [Input.Of(0, 4)], x => x[0].Reshape(2, 0, 3), x => x[0].Reshape(2, 0, 3));
        yield return View("permute", [Input.Of(2, 3, 4, 5)], x => x[0].Permute(2, 0, -1, 1), x => x[0].Permute(2, 0, 3, 1));
        yield return View("permute of rank 6", [Input.Of(2, 1, 3, 2, 1, 2)], x => x[0].Permute(5, 3, 1, 0, 2, 4), x => x[0].Permute(5, 3, 1, 0, 2, 4));
        yield return View("permute of a scalar", [Input.Of()], x => x[0].Permute(), x => x[0]);
        yield return View("permute of no values", [Input.Of(3, 0, 2)], x => x[0].Permute(2, 1, 0), x => x[0].Permute(2, 1, 0));
        yield return View("transpose", [Input.Of(3, 5)], x => x[0].Transpose(), x => x[0].Permute(1, 0));
        yield return View("transpose of a batch", [Input.Of(2, 3, 5)], x => x[0].Transpose(), x => x[0].Permute(0, 2, 1));
        yield return View("slice", [Input.Of(7, 3)], x => x[0].Slice(0, 2, 5), x => Slice(x[0], 0, 2, 5, 1));
        yield return View("slice of the last axis by 3", [Input.Of(2, 11)], x => x[0].Slice(-1, 1, 11, 3), x => Slice(x[0], 1, 1, 11, 3));
        yield return View("slice with a last short step", [Input.Of(8, 2)], x => x[0].Slice(0, 0, 8, 5), x => Slice(x[0], 0, 0, 8, 5));
        yield return View("slice of nothing", [Input.Of(4, 2)], x => x[0].Slice(0, 4, 4), x => Slice(x[0], 0, 4, 4, 1));
        yield return View("slice of a slice", [Input.Of(9, 4)], x => x[0].Slice(0, 1, 9, 2).Slice(0, 1, 4, 2), x => Slice(Slice(x[0], 0, 1, 9, 2), 0, 1, 4, 2))
            with
        { SingleCall = false };
        yield return View("a step of the largest integer", [Input.Of(4)], x => x[0].Slice(0, 1, 4, int.MaxValue), x => Slice(x[0], 0, 1, 2, 1));

        foreach (var axis in (int[])[0, 1, -1])
        {
            var at = axis < 0 ? axis + 3 : axis;
            int[] Part(int extent) => [.. Enumerable.Range(0, 3).Select(i => i == at ? extent : i + 2)];
            yield return View(
                $"concat along {axis}", [Input.Of(Part(2)), Input.Of(Part(1)), Input.Of(Part(0)), Input.Of(Part(3))],
                x => Tensor.Concat(x, axis), x => Concat(x, at));
        }

        yield return View("concat of one", [Input.Of(3, 2)], x => Tensor.Concat(x, 0), x => x[0]);
        yield return View("concat of one tensor twice", [Input.Of(3, 2)], x => Tensor.Concat([x[0], x[0]], 1), x => Concat([x[0], x[0]], 1));
        yield return View("pad", [Input.Of(3, 4)], x => x[0].Pad(1, 2, 3, 0.5), x => Pad(x[0], 1, 2, 3, 0.5));
        yield return View("pad of the first axis", [Input.Of(2, 3, 2)], x => x[0].Pad(0, 1, 0), x => Pad(x[0], 0, 1, 0, 0));
        yield return View("pad by nothing", [Input.Of(2, 3)], x => x[0].Pad(-1, 0, 0), x => x[0]);
        yield return View("pad of no values", [Input.Of(0, 3)], x => x[0].Pad(0, 1, 1, 7), _ => new NdArray([2, 3]).Map(_ => 7));

        // 12 picks of 5 rows: a row's gradient is a sum of several.
        yield return View("gather rows", [Input.Of(5, 3), Input.Labels(5, 12)], x => x[0].GatherRows(x[1]), x => Gather(x[0], x[1]))
            with
        { GradientTerms = 12 };
        yield return View("gather planes", [Input.Of(4, 2, 3), Input.Labels(4, 3)], x => x[0].GatherRows(x[1]), x => Gather(x[0], x[1]));
        yield return View("gather of a vector", [Input.Of(6), Input.Labels(6, 4)], x => x[0].GatherRows(x[1]), x => Gather(x[0], x[1]));
        yield return View("gather of nothing", [Input.Of(4, 3), Input.Labels(4, 0)], x => x[0].GatherRows(x[1]), x => Gather(x[0], x[1]));
        yield return View("gather of many rows", [Input.Of(40, 61), Input.Labels(40, 300)], x => x[0].GatherRows(x[1]), x => Gather(x[0], x[1]))
            with
        { GradientTerms = 300 };

        yield return View("clone", [Input.Of(3, 4)], x => x[0].Clone(), x => x[0]);
        yield return View("contiguous", [Input.Of(3, 4, 2)], x => x[0].Contiguous(), x => x[0]);
        yield return View("to float64", [Input.Of(3, 4)], x => x[0].To(DType.F64), x => x[0]) with { Factor = 1, Narrow = true };
        yield return View("to float32", [Input.Of(3, 4)], x => x[0].To(DType.F32), x => x[0]) with { Factor = 1, Narrow = true };
        yield return View("a large transpose", [Input.Of(131, 97)], x => x[0].Transpose().Contiguous(), x => x[0].Permute(1, 0)) with { SingleCall = false };
    }

    // Values are moved, never computed: one rounding where two gradients are added.
    private static OperationCase View(string name, Input[] inputs, Func<Tensor[], Tensor> run, Func<NdArray[], NdArray> oracle) =>
        new(name, inputs, run, oracle) { Factor = 0, GradientFactor = 2 };

    private static NdArray Slice(NdArray x, int axis, int start, int end, int step)
    {
        var shape = (int[])x.Shape.Clone();
        shape[axis] = Enumerable.Range(start, end - start).Count(i => (i - start) % step == 0);
        return NdArray.Build(shape, index =>
        {
            var from = (int[])index.Clone();
            from[axis] = start + (index[axis] * step);
            return x[from];
        });
    }

    private static NdArray Concat(NdArray[] parts, int axis)
    {
        var shape = (int[])parts[0].Shape.Clone();
        shape[axis] = parts.Sum(p => p.Shape[axis]);
        var y = new NdArray(shape);
        var at = 0;
        foreach (var part in parts)
        {
            foreach (var index in NdArray.Indices(part.Shape))
            {
                var to = (int[])index.Clone();
                to[axis] += at;
                y[to] = part[index];
            }

            at += part.Shape[axis];
        }

        return y;
    }

    private static NdArray Pad(NdArray x, int axis, int before, int after, double value)
    {
        int[] Extra(int extent) => [.. x.Shape.Select((e, i) => i == axis ? extent : e)];
        return Concat([new NdArray(Extra(before)).Map(_ => value), x, new NdArray(Extra(after)).Map(_ => value)], axis);
    }

    private static NdArray Gather(NdArray x, NdArray index) =>
        NdArray.Build([index.Shape[0], .. x.Shape[1..]], at => x[[(int)index[at[0]], .. at[1..]]]);
}

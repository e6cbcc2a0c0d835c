using EscNative.Engine;

namespace EscNative.Tests.Engine;

public static partial class OperationCases
{
    private const double Eps = 1e-5;

    private static IEnumerable<OperationCase> Normalisation()
    {
        foreach (var shape in (int[][])[[6, 3], [2, 3, 4, 5], [3, 1], [1, 2, 2, 1], [2, 9, 7, 17], [40, 64]])
        {
            var (rows, c) = (NdArray.Product(shape.AsSpan(..^1)), shape[^1]);
            Input[] inputs = [Input.Of(shape), Input.Of(c), Input.Of(c)];
            // dx is what remains of dy after its mean and its projection on x̂ are taken away, scaled by gamma / σ: the
            // roundings are those of terms some times larger than the result.
            yield return new(
                $"batch norm of {Text(shape)}", inputs, x => BatchNorm(x),
                x => Normalised(x[0], x[1], x[2], [.. Enumerable.Range(0, shape.Length - 1)]))
            {
                Terms = rows,
                GradientTerms = rows,
                GradientFactor = 24,
                SingleCall = false,
            };
            yield return new(
                $"batch norm of {Text(shape)} with given statistics",
                [.. inputs, Input.Of(c).Constant(), Input.Between(0.1, 2, c).Constant()], x => x[0].BatchNorm(x[3], x[4], x[1], x[2], Eps),
                x => Affine(x[0], x[3], x[4].Map(v => 1 / Math.Sqrt(v + Eps)), x[1], x[2]))
            { GradientTerms = rows };
            yield return new(
                $"batch norm and ReLU of {Text(shape)}", inputs, x => BatchNorm(x, relu: true),
                x => Normalised(x[0], x[1], x[2], [.. Enumerable.Range(0, shape.Length - 1)]).Map(v => Math.Max(v, 0)))
            {
                Terms = rows,
                GradientTerms = rows,
                GradientFactor = 24,
                SingleCall = false,
            };
            yield return new(
                $"batch norm and ReLU of {Text(shape)} with given statistics",
                [.. inputs, Input.Of(c).Constant(), Input.Between(0.1, 2, c).Constant()],
                x => x[0].BatchNorm(x[3], x[4], x[1], x[2], Eps, relu: true),
                x => Affine(x[0], x[3], x[4].Map(v => 1 / Math.Sqrt(v + Eps)), x[1], x[2]).Map(v => Math.Max(v, 0)))
            { GradientTerms = rows };
        }

        foreach (var shape in (int[][])[[6, 5], [2, 3, 4, 7], [1, 2], [3, 64], [40, 67]])
        {
            var d = shape[^1];
            yield return new(
                $"layer norm of {Text(shape)}", [Input.Of(shape), Input.Of(d), Input.Of(d)], x => x[0].LayerNorm(x[1], x[2], Eps),
                x => Normalised(x[0], x[1], x[2], [shape.Length - 1]))
            {
                Terms = d,
                GradientTerms = Math.Max(d, NdArray.Product(shape) / d),
                // As batch norm; with few values in a row, their differences alone remain.
                GradientFactor = 24,
            };
        }
    }

    private static IEnumerable<OperationCase> Probabilities()
    {
        foreach (var shape in (int[][])[[4, 5], [1], [2, 3, 7], [3, 1], [0, 5], [3, 0], [2, 100], [90, 33]])
        {
            var terms = Math.Max(shape[^1], 1);
            yield return new($"softmax of {Text(shape)}", [Input.Of(shape)], x => x[0].Softmax(), x => Softmax(x[0])) { Terms = terms, GradientTerms = terms };
            // exp(y) sum(dy) carries the rounding of y, whose size grows with ln d.
            yield return new(
                $"log softmax of {Text(shape)}", [Input.Of(shape)], x => x[0].LogSoftmax(), x => Softmax(x[0]).Map(Math.Log))
            {
                Terms = terms,
                GradientTerms = terms,
            };
        }

        yield return new(
            "log softmax of wide logits", [Input.Between(-60, 60, 5, 9)], x => x[0].LogSoftmax(), x => LogSoftmax(x[0]))
        { Terms = 9, GradientTerms = 9 };
    }

    private static IEnumerable<OperationCase> Losses()
    {
        (string Name, Reduction Reduction, Func<NdArray, NdArray> Fold)[] reductions =
        [
            ("mean", Reduction.Mean, l => NdArray.Scalar(l.Values.Average())),
            ("sum", Reduction.Sum, l => NdArray.Scalar(l.Values.Sum())),
            ("per sample", Reduction.None, l => l),
        ];
        foreach (var (n, d) in (ValueTuple<int, int>[])[(4, 5), (1, 1), (3, 2), (70, 33)])
        {
            foreach (var (name, reduction, fold) in reductions)
            {
                yield return new(
                    $"cross-entropy of [{n}, {d}], {name}", [Input.Of(n, d), Input.Labels(d, n)], x => Loss.CrossEntropy(x[0], x[1], reduction),
                    x => fold(CrossEntropy(LogSoftmax(x[0]), x[1])))
                { Terms = n + d, GradientTerms = d };
                yield return new(
                    $"soft cross-entropy of [{n}, {d}], {name}", [Input.Of(n, d), Input.Between(0, 1, n, d)],
                    x => Loss.SoftCrossEntropy(x[0], x[1], reduction),
                    x => fold((x[1] * LogSoftmax(x[0])).Reduce([1], false, v => -v.Sum())))
                { Terms = n + d, GradientTerms = d, GradientFactor = 16 };
                foreach (var t in (double[])[1, 2.5])
                {
                    // Two log-softmaxes of nearly the same size are subtracted, and T² enlarges what is left of them with its error: the
                    // error grows with T², the divergence does not.
                    yield return new(
                        $"KL of [{n}, {d}] at temperature {t}, {name}", [Input.Of(n, d), Input.Of(n, d).Constant()],
                        x => Loss.KlDivergence(x[0], x[1], t, reduction), x => fold(Kl(x[0], x[1], t)))
                    {
                        Terms = n + d,
                        GradientTerms = d,
                        Factor = 16 * t * t,
                        GradientFactor = 16,
                    };
                }
            }
        }

        yield return new(
            "cross-entropy per sample of none", [Input.Of(0, 3), Input.Labels(3, 0)], x => Loss.CrossEntropy(x[0], x[1], Reduction.None),
            _ => new NdArray([0]));
    }

    private static IEnumerable<OperationCase> Networks()
    {
        // Everything at once: convolution, batch norm, gelu, pooling, layer norm, linear, cross-entropy. The mean over four
        // samples makes small gradients of larger ones, and four divisions by deviations on the way enlarge the roundings.
        yield return new(
            "a small network",
            [
                Input.Of(4, 6, 6, 2), Input.Of(3, 3, 3, 2), Input.Of(3), Input.Of(3), Input.Of(3), Input.Of(3), Input.Of(5, 3), Input.Of(5),
                Input.Labels(5, 4),
            ],
            x => Loss.CrossEntropy(
                BatchNorm([x[0].Conv2d(x[1], null, 2, 1), x[2], x[3]]).Gelu().MaxPool2d(2, 1).GlobalAveragePool2d().LayerNorm(x[4], x[5], Eps)
                    .Linear(x[6], x[7]), x[8]),
            x =>
            {
                var y = Normalised(Conv2d(x[0], x[1], null, (2, 2), (1, 1)), x[2], x[3], [0, 1, 2]).Map(v => v * (1 + Erf(v / Math.Sqrt(2))) / 2);
                y = Pool(y, 2, 1, 0, v => v.Max()).Reduce([1, 2], false, v => v.Average());
                y = Linear(Normalised(y, x[4], x[5], [1]), x[6], x[7]);
                return NdArray.Scalar(CrossEntropy(LogSoftmax(y), x[8]).Values.Average());
            })
        {
            Terms = 36,
            GradientTerms = 144,
            Factor = 16,
            GradientFactor = 64,
            SingleCall = false,
        };
    }

    private static Tensor BatchNorm(Tensor[] x, bool relu = false)
    {
        var (y, mean, variance) = x[0].BatchNorm(x[1], x[2], Eps, relu);
        mean.Dispose();
        variance.Dispose();
        return y;
    }

    /// <summary>(x - mean) / √(variance + eps) gamma + beta with the statistics over some axes.</summary>
    private static NdArray Normalised(NdArray x, NdArray gamma, NdArray beta, int[] axes)
    {
        var mean = x.Reduce(axes, true, v => v.Average());
        var variance = NdArray.Zip(x, mean, (a, m) => (a - m) * (a - m)).Reduce(axes, true, v => v.Average());
        return Affine(x, mean, variance.Map(v => 1 / Math.Sqrt(v + Eps)), gamma, beta);
    }

    private static NdArray Affine(NdArray x, NdArray mean, NdArray inverse, NdArray gamma, NdArray beta) =>
        (NdArray.Zip(x, mean, (a, m) => a - m) * inverse * gamma) + beta;

    private static NdArray LogSoftmax(NdArray x)
    {
        if (x.Values.Length == 0)
            return x;
        var largest = x.Reduce([-1], true, v => v.Max());
        var shifted = NdArray.Zip(x, largest, (a, m) => a - m);
        return NdArray.Zip(shifted, shifted.Map(Math.Exp).Reduce([-1], true, v => v.Sum()), (a, s) => a - Math.Log(s));
    }

    private static NdArray CrossEntropy(NdArray logProbabilities, NdArray labels) =>
        NdArray.Build(labels.Shape, at => -logProbabilities[at[0], (int)labels[at]]);

    private static NdArray Softmax(NdArray x) => LogSoftmax(x).Map(Math.Exp);

    private static NdArray Kl(NdArray student, NdArray teacher, double t)
    {
        var (p, q) = (LogSoftmax(teacher.Map(v => v / t)), LogSoftmax(student.Map(v => v / t)));
        return NdArray.Zip(p, q, (a, b) => Math.Exp(a) * (a - b)).Reduce([1], false, v => v.Sum() * t * t);
    }
}

using EscNative.Engine;
using EscNative.Kernels;

namespace EscNative.Tests.Engine;

public static partial class OperationCases
{
    private static readonly int[][] UnaryShapes = [[3, 5, 7], [1], [], [0, 4], [17, 129]];

    private static IEnumerable<OperationCase> Unary()
    {
        (string Name, Func<int[], Input> Values, Func<Tensor, Tensor> Run, Func<double, double> Exact)[] functions =
        [
            ("exp", Input.Of, x => x.Exp(), Math.Exp),
            ("log", s => Input.Between(0.1, 3, s), x => x.Log(), Math.Log),
            ("sqrt", s => Input.Between(0.1, 3, s), x => x.Sqrt(), Math.Sqrt),
            ("relu", Input.AwayFromZero, x => x.Relu(), x => Math.Max(x, 0)),
            ("gelu", Input.Of, x => x.Gelu(), x => x * (1 + Erf(x / Math.Sqrt(2))) / 2),
            ("gelu (tanh)", Input.Of, x => x.GeluTanh(), x => x / (1 + Math.Exp(-Math.Sqrt(8 / Math.PI) * (x + (0.044715 * x * x * x))))),
            ("silu", Input.Of, x => x.Silu(), x => x / (1 + Math.Exp(-x))),
            ("relu6", s => Input.Between(5.2, 5.9, s), x => x.Relu6(), x => Math.Clamp(x, 0, 6)),
            ("relu6 around zero", Input.AwayFromZero, x => x.Relu6(), x => Math.Clamp(x, 0, 6)),
            ("tanh", Input.Of, x => x.Tanh(), Math.Tanh),
            ("sigmoid", Input.Of, x => x.Sigmoid(), x => 1 / (1 + Math.Exp(-x))),
            ("square", Input.Of, x => x.Square(), x => x * x),
            ("abs", Input.AwayFromZero, x => x.Abs(), Math.Abs),
            ("negate", Input.Of, x => -x, x => -x),
            ("affine", Input.Of, x => x.Affine(1.5, -0.25), x => (1.5 * x) - 0.25),
            ("x + 3", Input.Of, x => x + 3, x => x + 3),
            ("3 + x", Input.Of, x => 3 + x, x => x + 3),
            ("x - 0.3", Input.Of, x => x - 0.3, x => x - 0.3),
            ("0.3 - x", Input.Of, x => 0.3 - x, x => 0.3 - x),
            ("x 0.7", Input.Of, x => x * 0.7, x => x * 0.7),
            ("0.7 x", Input.Of, x => 0.7 * x, x => x * 0.7),
            ("x / 0.3", Input.Of, x => x / 0.3, x => x / 0.3),
            ("0.3 / x", Input.AwayFromZero, x => 0.3 / x, x => 0.3 / x),
        ];
        foreach (var f in functions)
        {
            foreach (var shape in UnaryShapes)
                // Three units in the last place (6 u) are what the elementwise functions promise. 1 - tanh² is a difference of numbers up
                // to 1, however small: tanh off by 3 u makes it 6 u. The argument of GELU's sigmoid reaches 4, and so does its error.
                yield return new($"{f.Name} of {Text(shape)}", [f.Values(shape)], x => f.Run(x[0]), x => x[0].Map(f.Exact)) { Factor = f.Name == "gelu (tanh)" ? 24 : 8, GradientScale = f.Name == "tanh" ? 1 : 0 };
        }

        // The corners stay out of the differences; what happens there is tested by itself.
        yield return new("dropout of [9, 40]", [Input.Of(9, 40)], x => x[0].Dropout(0.3, 7, 2, 11), x => Dropped(x[0], 0.3, 7, 2, 11));
        yield return new("dropout of [0]", [Input.Of(0)], x => x[0].Dropout(0.3, 7), x => x[0]);
        yield return new("dropout with p = 0", [Input.Of(3, 4)], x => x[0].Dropout(0, 7), x => x[0]);
        // More values than one tile of a parallel kernel.
        yield return new("relu of a large tensor", [Input.AwayFromZero(301, 307)], x => x[0].Relu(), x => x[0].Map(v => Math.Max(v, 0)));
    }

    private static IEnumerable<OperationCase> Binary()
    {
        (string Symbol, Func<Tensor, Tensor, Tensor> Run, Func<double, double, double> Exact)[] operators =
        [
            ("+", (a, b) => a + b, (a, b) => a + b),
            ("-", (a, b) => a - b, (a, b) => a - b),
            ("*", (a, b) => a * b, (a, b) => a * b),
            ("/", (a, b) => a / b, (a, b) => a / b),
        ];
        (int[] A, int[] B)[] shapes =
        [
            ([4, 5], [4, 5]), ([4, 5], [5]), ([5], [4, 5]), ([4, 1], [1, 5]), ([3, 1, 5], [4, 1]), ([], [2, 3]), ([2, 3], []), ([], []),
            ([1], [0]), ([0, 3], [1, 3]), ([2, 3, 4, 5], [4, 1]), ([2, 1, 3, 1, 2, 2], [2, 1, 3, 1, 1]), ([64, 129], [129]),
            ([64, 129], [64, 1]), ([7, 3, 5], [7, 1, 5]),
        ];
        foreach (var o in operators)
        {
            foreach (var (a, b) in shapes)
            {
                // A repeated operand's gradient is a sum over its copies: at most 129 of them here.
                yield return new(
                    $"{Text(a)} {o.Symbol} {Text(b)}", [Input.Of(a), o.Symbol == "/" ? Input.AwayFromZero(b) : Input.Of(b)],
                    x => o.Run(x[0], x[1]), x => NdArray.Zip(x[0], x[1], o.Exact))
                { GradientTerms = 129 };
            }
        }
    }

    private static NdArray Dropped(NdArray x, double p, ulong seed, ulong stream, ulong offset)
    {
        var at = offset;
        return x.Map(v => Philox.ToUniform(Philox.Word(seed, stream, at++)) >= p ? v / (1 - p) : 0);
    }

    /// <summary>erf by 2/√π e^-x² Σ 2^n x^(2n+1) / (2n+1)!!, whose terms all have one sign.</summary>
    private static double Erf(double x)
    {
        var (term, sum) = (x, x);
        for (var n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}

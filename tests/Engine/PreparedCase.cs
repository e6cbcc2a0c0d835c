using System.Collections.Concurrent;

namespace EscNative.Tests.Engine;

/// <summary>A case's values, the oracle's answers, and derivatives by central differences of the oracle; made once, used by many tests.</summary>
public sealed class PreparedCase
{
    // Error of a central difference of a smooth function: h² f''' / 6 + 2^-53 |f| / h, here some 1e-10 of the function's size.
    private const double Step = 1e-5;

    // Above this many values of an operand only some are differenced one by one; all of them together always are.
    private const int Exhaustive = 300;
    private const int Sampled = 48;

    private static readonly ConcurrentDictionary<string, PreparedCase> Cache = new();

    private readonly OperationCase _case;
    private readonly Derivative?[] _derivatives;

    private PreparedCase(OperationCase c)
    {
        _case = c;
        var random = new Random(c.Seed);
        Inputs = [.. c.Inputs.Select(i => i.Draw(random))];
        Wanted = c.Oracle(Inputs);
        // A weight for every value of the result: with a plain sum, a transposed gradient would look right.
        Weights = Input.AwayFromZero(Wanted.Shape).Draw(random);
        _derivatives = new Derivative?[Inputs.Length];
    }

    public NdArray[] Inputs { get; }

    public NdArray Wanted { get; }

    /// <summary>The gradient of the result: the loss is the sum of weights x result.</summary>
    public NdArray Weights { get; }

    public static PreparedCase Of(OperationCase c) => Cache.GetOrAdd(c.Name, _ => new PreparedCase(c));

    public Derivative DerivativeOf(int input) => _derivatives[input] ??= Difference(input);

    private Derivative Difference(int input)
    {
        var n = Inputs[input].Values.Length;
        var random = new Random(_case.Seed + input + 1);
        var positions = Enumerable.Range(0, n).ToArray();
        if (n > Exhaustive)
        {
            random.Shuffle(positions);
            // The corners always: tails and borders are where kernels go wrong.
            positions = [.. positions.Take(Sampled).Append(0).Append(n - 1).Distinct()];
        }

        var direction = new double[n];
        var values = new double[positions.Length];
        for (var i = 0; i < positions.Length; i++)
        {
            direction[positions[i]] = 1;
            values[i] = Along(input, direction);
            direction[positions[i]] = 0;
        }

        for (var i = 0; i < n; i++)
            direction[i] = (2 * random.NextDouble()) - 1;
        return new Derivative(positions, values, direction, Along(input, direction));
    }

    private double Along(int input, double[] direction)
    {
        var (above, below) = (Moved(1), Moved(-1));
        var sum = 0.0;
        for (var i = 0; i < above.Values.Length; i++)
            sum += Weights.Values[i] * (above.Values[i] - below.Values[i]);
        return sum / (2 * Step);

        NdArray Moved(int sign)
        {
            var inputs = (NdArray[])Inputs.Clone();
            var values = (double[])inputs[input].Values.Clone();
            for (var i = 0; i < values.Length; i++)
                values[i] += sign * Step * direction[i];
            inputs[input] = new NdArray(inputs[input].Shape, values);
            return _case.Oracle(inputs);
        }
    }

    /// <summary>Derivatives of the loss with respect to one operand.</summary>
    /// <param name="Positions">The values that were moved one at a time.</param>
    /// <param name="Values">The derivative with respect to each of them.</param>
    /// <param name="Direction">A direction in which all values were moved together.</param>
    /// <param name="Along">The derivative in that direction.</param>
    public sealed record Derivative(int[] Positions, double[] Values, double[] Direction, double Along)
    {
        public double Largest => Values.Length == 0 ? 0 : Values.Max(Math.Abs);
    }
}

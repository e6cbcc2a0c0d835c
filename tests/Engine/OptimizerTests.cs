using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;

namespace EscNative.Tests.Engine;

public sealed class OptimizerTests
{
    private const int StepCount = 20;

    private static readonly Setting[] Settings =
    [
        new("SGD", p => new Sgd(p, 0.1), () => SgdOracle(0.1, 0, 0, false), [0.1749819861, 0.7342916745, 0.3016067541, -0.6136792741]),
        new(
            "SGD with momentum and decay", p => new Sgd(p, 0.1, 0.9, 0.01), () => SgdOracle(0.1, 0.9, 0.01, false),
            [0.3475181432, 1.241286446, 0.6190266146, -2.294039208]),
        new(
            "SGD with Nesterov", p => new Sgd(p, 0.1, 0.9, 0.01, nesterov: true), () => SgdOracle(0.1, 0.9, 0.01, true),
            [-2.263185379, -2.868055293, -2.694249082, -6.870394152]),
        new(
            "Adam", p => new Adam(p, 0.05, weightDecay: 0.01), () => AdamOracle(0.05, 0.01, false),
            [0.4616851135, 1.151598707, 0.6425774673, -0.4566211588]),
        new("AdamW", p => Adam.W(p, 0.05, 0.1), () => AdamOracle(0.05, 0.1, true), [0.424693574, 1.055156641, 0.5916539841, -0.4193062647]),
    ];

    public static TheoryData<string, DType> Rows()
    {
        var rows = new TheoryData<string, DType>();
        foreach (var setting in Settings)
        {
            rows.Add(setting.Name, DType.F32);
            rows.Add(setting.Name, DType.F64);
        }

        return rows;
    }

    public static TheoryData<string> Names() => [.. Settings.Select(s => s.Name)];

    // The gradient at step t is sin(3 w + t): it depends on the weight, so that an error of one step goes on.
    [Theory]
    [MemberData(nameof(Rows))]
    public void Twenty_steps_follow_the_formulas(string name, DType type)
    {
        var setting = Settings.Single(s => s.Name == name);
        using var parameter = new Parameter("w", Start(37, type));
        using var optimizer = setting.Make([parameter]);
        var update = setting.Oracle();
        var wanted = Values(37);
        for (var t = 1; t <= StepCount; t++)
        {
            Step(optimizer, parameter, t);
            update(wanted, t);
        }

        Assert.Equal(StepCount, optimizer.Steps);
        using var got = parameter.Value.To(DType.F64);
        // Each step rounds some ten times; sin(3 w + t) spreads the error by up to 1 + 3 rate a step.
        Close.AssertEqual(new NdArray([37], wanted), got.ToNdArray(), 2000 * StepCount * Close.Rounding(type), name);
    }

    // w = wave(4, a=1, b=.5); for t in 1..20: w.grad = torch.sin(3 * w + t); optimizer.step(), PyTorch 2.6 in float64.
    [Theory]
    [MemberData(nameof(Names))]
    public void Twenty_steps_end_where_PyTorch_ends(string name)
    {
        var setting = Settings.Single(s => s.Name == name);
        using var parameter = new Parameter("w", Start(4, DType.F64));
        using var optimizer = setting.Make([parameter]);
        for (var t = 1; t <= StepCount; t++)
            Step(optimizer, parameter, t);
        Close.AssertEqual(new NdArray([4], setting.PyTorch), parameter.Value.ToNdArray(), 2e-9, name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_restored_optimizer_goes_on_with_the_same_bits(string name)
    {
        var setting = Settings.Single(s => s.Name == name);
        using var straight = new Parameter("w", Start(9, DType.F32));
        using var resumed = new Parameter("w", Start(9, DType.F32));
        using var whole = setting.Make([straight]);
        using var first = setting.Make([resumed]);
        for (var t = 1; t <= 10; t++)
        {
            Step(whole, straight, t);
            Step(first, resumed, t);
        }

        using var second = setting.Make([resumed]);
        second.Restore(first.Steps, first.State);
        for (var t = 11; t <= 20; t++)
        {
            Step(whole, straight, t);
            Step(second, resumed, t);
        }

        Assert.Equal(straight.Value.ToArray(), resumed.Value.ToArray());
    }

    [Fact]
    public void Parameters_that_the_loss_does_not_reach_stay()
    {
        using var used = new Parameter("used", Tensor.Ones(2));
        using var unused = new Parameter("unused", Tensor.Ones(2));
        using var optimizer = new Sgd([used, unused], 0.5, momentum: 0.9, weightDecay: 0.1);
        using (Tensor.Scope())
        {
            using var gradients = (used.Value * 2).Sum().Backward();
            optimizer.Step(gradients);
        }

        // 1 - 0.5 (2 + 0.1)
        Assert.All(used.Value.ToArray(), w => Assert.Equal(-0.05, w, 1e-6));
        Assert.Equal([1, 1], unused.Value.ToArray());
    }

    [Fact]
    public void Parameters_of_two_types_are_stepped_together()
    {
        foreach (var setting in Settings)
        {
            using var narrow = new Parameter("narrow", Start(5, DType.F32));
            using var wide = new Parameter("wide", Start(7, DType.F64));
            using var other = new Parameter("other", Start(7, DType.F64));
            using var together = setting.Make([narrow, wide]);
            using var alone = setting.Make([other]);
            using var scope = Tensor.Scope();
            using var gradients = (narrow.Value.Sum().To(DType.F64) + wide.Value.Square().Sum()).Backward();
            using var otherGradients = other.Value.Square().Sum().Backward();
            var before = narrow.Value.ToArray();
            together.Step(gradients);
            alone.Step(otherGradients);
            Assert.Equal(other.Value.ToArray<double>(), wide.Value.ToArray<double>());
            Assert.All(narrow.Value.ToArray().Zip(before), w => Assert.True(w.First < w.Second));
        }
    }

    [Fact]
    public void A_step_does_not_change_the_gradients()
    {
        foreach (var setting in Settings)
        {
            using var parameter = new Parameter("w", Start(5, DType.F32));
            using var optimizer = setting.Make([parameter]);
            using var loss = parameter.Value.Sum();
            using var gradients = loss.Backward();
            optimizer.Step(gradients);
            Assert.Equal([1, 1, 1, 1, 1], gradients[parameter].ToArray());
        }
    }

    [Fact]
    public void The_learning_rate_may_change_between_steps()
    {
        using var parameter = new Parameter("w", Tensor.Zeros(1));
        using var optimizer = new Sgd([parameter], 1);
        foreach (var rate in (double[])[1, 0.5, 0.25])
        {
            optimizer.LearningRate = rate;
            using var loss = parameter.Value.Sum();
            using var gradients = loss.Backward();
            optimizer.Step(gradients);
        }

        Assert.Equal(-1.75, parameter.Value.Item());
    }

    private static double[] Values(int n) => [.. Enumerable.Range(0, n).Select(i => Math.Sin(i + 0.5))];

    private static Tensor Start(int n, DType type)
    {
        using var values = Tensor.From(Values(n), n);
        return values.To(type);
    }

    // The loss whose gradient is sin(3 w + t): the values are given as a seed.
    private static void Step(Optimizer optimizer, Parameter parameter, int t)
    {
        using var scope = Tensor.Scope();
        var w = parameter.Value.To(DType.F64).ToArray<double>();
        var seed = Tensor.From(Array.ConvertAll(w, v => Math.Sin((3 * v) + t)), w.Length).To(parameter.Value.DType);
        using var gradients = parameter.Value.Backward(seed);
        optimizer.Step(gradients);
    }

    private static Action<double[], int> SgdOracle(double rate, double momentum, double decay, bool nesterov)
    {
        double[]? velocity = null;
        return (w, t) =>
        {
            var first = velocity is null;
            velocity ??= new double[w.Length];
            for (var i = 0; i < w.Length; i++)
            {
                var g = Math.Sin((3 * w[i]) + t) + (decay * w[i]);
                velocity[i] = first ? g : (momentum * velocity[i]) + g;
                w[i] -= rate * (momentum == 0 ? g : nesterov ? g + (momentum * velocity[i]) : velocity[i]);
            }
        };
    }

    private static Action<double[], int> AdamOracle(double rate, double decay, bool decoupled)
    {
        const double Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8;
        var (first, second) = (new double[64], new double[64]);
        return (w, t) =>
        {
            for (var i = 0; i < w.Length; i++)
            {
                var g = Math.Sin((3 * w[i]) + t);
                if (decoupled)
                    w[i] -= rate * decay * w[i];
                else
                    g += decay * w[i];
                first[i] = (Beta1 * first[i]) + ((1 - Beta1) * g);
                second[i] = (Beta2 * second[i]) + ((1 - Beta2) * g * g);
                var mean = first[i] / (1 - Math.Pow(Beta1, t));
                var root = Math.Sqrt(second[i] / (1 - Math.Pow(Beta2, t)));
                w[i] -= rate * mean / (root + Eps);
            }
        };
    }

    private sealed record Setting(string Name, Func<Parameter[], Optimizer> Make, Func<Action<double[], int>> Oracle, double[] PyTorch);
}

using EscNative.Engine;
using EscNative.Unlearning.Metrics.Similarity;

namespace EscNative.Tests.Numbers;

/// <summary>Losses and divergences where a probability is 0: its term is 0, not 0 times infinity.</summary>
public sealed class LossRangeTests
{
    private const float Never = float.NegativeInfinity;

    public static TheoryData<string> Devices => NumberDevices.Both;

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_class_that_the_teacher_rules_out_adds_nothing(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        var student = Tensor.From([2f, 0, 1], (1, 3), device).RequireGradient();
        var loss = Loss.KlDivergence(student, Tensor.From([Never, 0.5f, 0.7f], (1, 3), device));
        Assert.Equal(1.1696, loss.Item(), 1e-4);
        using var gradients = loss.Backward();
        // softmax(student) - softmax(teacher)
        double[] p = [0.66524096, 0.09003057, 0.24472847], q = [0, 0.45016600, 0.54983400];
        Assert.Equal(p.Zip(q, (a, b) => a - b), gradients[student].Wide(), (a, b) => Math.Abs(a - b) < 1e-6);

        // Both rule it out.
        var same = Tensor.From([Never, 0.5f, 0.7f], (1, 3), device).RequireGradient();
        var zero = Loss.KlDivergence(same, same.Detach(), 2);
        Assert.Equal(0, zero.Item(), 1e-7);
        using var none = zero.Backward();
        Assert.All(none[same].Wide(), g => Assert.Equal(0, g, 1e-7));

        // The student rules out what the teacher does not: infinitely far.
        Assert.Equal(double.PositiveInfinity, Loss.KlDivergence(Tensor.From([Never, 1, 2], (1, 3), device), Tensor.From([0f, 1, 2], (1, 3), device)).Item());
        // A broken network is not hidden.
        Assert.Equal(double.NaN, Loss.KlDivergence(Tensor.From([float.NaN, 1, 2], (1, 3), device), Tensor.From([Never, 1, 2], (1, 3), device)).Item());
        Assert.Equal(double.NaN, Loss.KlDivergence(Tensor.From([0f, 1, 2], (1, 3), device), Tensor.From([Never, Never, Never], (1, 3), device)).Item());
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_temperature_does_not_take_logits_out_of_range(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        Tensor Of(params float[] values) => Tensor.From(values, (1, values.Length), device);
        Assert.Equal(0.0433, Loss.KlDivergence(Of(0, 0), Of(0, -1e38f), 0.25).Item(), 1e-4);
        // softmax(+-2 / 0.25) above numbers that would overflow.
        Assert.Equal(0.0433, Loss.KlDivergence(Of(1e38f, 1e38f), Of(1e38f, 0), 0.25).Item(), 1e-4);
        Assert.Equal(0, Loss.KlDivergence(Of(3e38f, 3e38f), Of(2e38f, 2e38f), 1e-3).Item(), 1e-7);
        foreach (var temperature in (double[])[0.25, 1, 4])
        {
            var student = Of(1, Never, 3).RequireGradient();
            using var gradients = Loss.KlDivergence(student, Of(2, Never, 1), temperature).Backward();
            Assert.All(gradients[student].Wide(), g => Assert.True(double.IsFinite(g)));
            Assert.Equal(0, gradients[student].Wide()[1]);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_target_of_zero_adds_nothing_to_a_cross_entropy(string name)
    {
        var device = NumberDevices.Get(name);
        using var scope = Tensor.Scope();
        var logits = Tensor.From([0f, Never, 0, 3e38f, -3e38f, 0], (2, 3), device).RequireGradient();
        var targets = Tensor.From([0.25f, 0, 0.75f, 1, 0, 0], (2, 3), device);
        var losses = Loss.SoftCrossEntropy(logits, targets, Reduction.None);
        Assert.Equal([Math.Log(2), 0], losses.Wide(), (a, b) => Math.Abs(a - b) < 1e-6);
        using var gradients = losses.Sum().Backward();
        Assert.Equal([0.25, 0, -0.25, 0, 0, 0], gradients[logits].Wide(), (a, b) => Math.Abs(a - b) < 1e-6);

        // A class that is wanted and ruled out is infinitely wrong; NaN shows.
        Assert.Equal(double.PositiveInfinity, Loss.SoftCrossEntropy(Tensor.From([0f, Never], (1, 2), device), Tensor.From([0.5f, 0.5f], (1, 2), device)).Item());
        Assert.Equal(double.NaN, Loss.SoftCrossEntropy(Tensor.From([0f, float.NaN], (1, 2), device), Tensor.From([1f, 0], (1, 2), device)).Item());
    }

    [Fact]
    public void Divergences_of_metrics_take_probabilities_of_zero()
    {
        var never = double.NegativeInfinity;
        double[] p = [Math.Log(0.5), Math.Log(0.5), never], q = [never, never, 0], r = [Math.Log(0.5), Math.Log(0.5), never];
        Assert.Equal(Math.Log(2), Divergence.JensenShannon(p, q), 1e-15);
        Assert.Equal(0, Divergence.JensenShannon(p, r), 1e-15);
        Assert.Equal(0, Divergence.Reversed(p, r), 1e-15);
        Assert.Equal(double.PositiveInfinity, Divergence.Reversed(p, q));
    }
}

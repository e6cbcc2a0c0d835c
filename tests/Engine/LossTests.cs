using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>What the table of cases cannot show: extreme logits, infinities, where gradients stop.</summary>
public sealed class LossTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F64)]
    public void Extreme_logits_give_finite_losses_and_gradients(DType type)
    {
        using var scope = Tensor.Scope();
        // e^1000 overflows in both types: only the distance to the largest logit may be exponentiated.
        var logits = Tensor.From([1000.0, -1000, 0, 3e4, 3e4, -3e4], (2, 3)).To(type).RequireGradient();
        var losses = Loss.CrossEntropy(logits, Tensor.From([1, 0], 2), Reduction.None);
        Assert.Equal([2000, Math.Log(2)], losses.To(DType.F64).ToArray<double>().Select(v => Math.Round(v, 5)), (a, b) => Math.Abs(a - b) < 1e-5);
        using var gradients = losses.Sum().Backward();
        // A device's log errs by one unit in the last place and its exp by two: e^(-log 2) is right to 8 u.
        var rounding = 8 * Close.Rounding(type);
        Assert.Equal([1, -1, 0, -0.5, 0.5, 0], gradients[logits].To(DType.F64).ToArray<double>(), (a, b) => Math.Abs(a - b) <= rounding * Math.Abs(a));
        Assert.Equal([1, 0, 0, 0.5, 0.5, 0], logits.Softmax().To(DType.F64).ToArray<double>());
        Assert.Equal([0, -2000, -1000], logits.LogSoftmax().Slice(0, 0, 1).To(DType.F64).ToArray<double>());
        Assert.Equal(2000, Loss.SoftCrossEntropy(logits, Tensor.From([0.0, 1, 0, 0.5, 0.5, 0], (2, 3)).To(type), Reduction.None).To(DType.F64).ToArray<double>()[0]);
    }

    [Fact]
    public void A_class_that_is_ruled_out_has_probability_zero()
    {
        using var scope = Tensor.Scope();
        var logits = Tensor.From([0f, float.NegativeInfinity, 0], (1, 3)).RequireGradient();
        Assert.Equal([0.5f, 0, 0.5f], logits.Softmax().ToArray());
        var loss = Loss.CrossEntropy(logits, Tensor.From([0], 1));
        Assert.Equal(Math.Log(2), loss.Item(), 1e-6);
        using var gradients = loss.Backward();
        Assert.Equal([-0.5f, 0, 0.5f], gradients[logits].ToArray(), (a, b) => Math.Abs(a - b) <= 8 * Close.Rounding(DType.F32) * Math.Abs(a));
    }

    [Fact]
    public void The_teacher_gets_no_gradient()
    {
        using var scope = Tensor.Scope();
        var (student, teacher) = (Tensor.From([1f, 2], (1, 2)).RequireGradient(), Tensor.From([2f, 1], (1, 2)).RequireGradient());
        using var gradients = Loss.KlDivergence(student, teacher, 2).Backward();
        Assert.False(gradients.TryGet(teacher, out _));
        Assert.Equal(1, gradients.Count);
    }

    [Fact]
    public void Equal_distributions_have_no_divergence()
    {
        using var scope = Tensor.Scope();
        var logits = Tensor.From([1f, -2, 0.5f, 3], (2, 2)).RequireGradient();
        // Logits that differ by a constant mean the same distribution.
        var loss = Loss.KlDivergence(logits, logits.Detach() + 1.5, 3);
        Assert.Equal(0, loss.Item(), 1e-6);
        using var gradients = loss.Backward();
        Assert.All(gradients[logits].ToArray(), g => Assert.Equal(0, g, 1e-6));
    }
}

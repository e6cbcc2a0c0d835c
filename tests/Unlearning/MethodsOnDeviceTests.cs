using EscNative.Engine;
using EscNative.Models.Data;
using EscNative.Tests.Engine;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

/// <summary>Every registered training method on the tests' device and on the CPU: a few steps of a tiny network give the same weights.</summary>
public sealed class MethodsOnDeviceTests
{
    public static TheoryData<string> Methods => [.. Tiny.Methods];

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_method_gives_the_weights_that_the_CPU_gives(string name)
    {
        var (wanted, got) = (Values(name, Device.Cpu), Values(name, TestDevices.Current));
        // Float32 sums in another order, through a few steps. A weight at the edge of SalUn's mask, or with a gradient of almost 0
        // under Adam, may go another way: it may differ by a step, the rest may not.
        var differences = wanted.Zip(got, (a, b) => Math.Abs(a - b)).ToArray();
        Assert.True(differences.Max() <= 5e-3, $"{name}: values differ by up to {differences.Max():G3}");
        Assert.True(differences.Average() <= 1e-5, $"{name}: values differ by {differences.Average():G3} on average");
    }

    [Theory]
    [InlineData("fisher", "samples", 3)]
    [InlineData("kodge", "samples", 6)]
    [InlineData("ssd", "batch", 4)]
    public void A_method_in_closed_form_gives_the_weights_that_the_CPU_gives(string name, string parameter, double value)
    {
        var (wanted, got) = (Run(Device.Cpu), Run(TestDevices.Current));
        // A weight at the edge of what SSD selects may be dampened on one side only.
        var differences = wanted.Zip(got, (a, b) => Math.Abs(a - b)).ToArray();
        Assert.True(differences.Average() <= 1e-5, $"{name}: values differ by {differences.Average():G3} on average, by {differences.Max():G3} at most");

        float[] Run(Device device)
        {
            var split = ForgetSplit.Create(SmallImages.Data(train: 12, test: 8), ForgetRequest.ForClasses(2));
            using var model = Tiny.Model(width: 0.05, device);
            model.Training = false;
            var before = Tiny.Values(model);
            var options = new UnlearningOptions { Parameters = new Dictionary<string, double> { [parameter] = value } };
            var method = MethodRegistry.Create(name);
            if (name == "ssd")
                options = options with { Parameters = new Dictionary<string, double> { [parameter] = value, ["alpha"] = 1 } };
            method.Run(UnlearningContext.For(method, model, split, options));
            Assert.NotEqual(before, Tiny.Values(model));
            return Tiny.Values(model);
        }
    }

    private static float[] Values(string name, Device device)
    {
        var split = ForgetSplit.Create(SmallImages.Data(train: 12, test: 8), ForgetRequest.ForClasses(2));
        var method = MethodRegistry.Create(name);
        var options = Tiny.Options(method, ("epochs", method.Parameters.Single(p => p.Name == "epochs").Minimum));
        var sizes = new[] { "batch", "remain-batch", "forget-batch" }.Where(options.Parameters.ContainsKey);
        options = options with { Parameters = options.Parameters.Where(p => !sizes.Contains(p.Key)).Concat(sizes.Select(s => KeyValuePair.Create(s, 4.0))).ToDictionary() };
        using var model = Tiny.Model(width: 0.05, device);
        var remain = method.DataUse == DataUse.ForgetAndRemain ? split.Remain : null;
        var result = method.Run(new UnlearningContext(model, split.Forget, options, remain) { HeldOut = split.ForgetTest });
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
        return Tiny.Values(model);
    }
}

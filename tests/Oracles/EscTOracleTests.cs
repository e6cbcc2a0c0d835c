using System.Text.Json;
using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Oracles;

/// <summary>What PyTorch 2.6 computed for ESC-T on the real features of class 4: batches of 64 in file order, by autograd.</summary>
public sealed class EscTOracleTests
{
    private const int D = 96;
    private const int Batch = 64;

    private static readonly Lazy<(float[] Features, double[] Basis)> Recorded = new(() =>
        (Npy.Read(TestData.Oracle("features_forget_eval.npy")).ToFloat32(), Npy.Read(TestData.Oracle("U_eval.npy")).ToFloat64()));

    [Theory]
    [InlineData("esct_lr0.01.npz", 0.01f, false)]
    [InlineData("esct_lr0.01_first_transposed.npz", 0.01f, true)]
    [InlineData("esct_lr1.npz", 1f, false)]
    [InlineData("esct_lr1_first_step_transposed.npz", 1f, true)]
    public void Masks_and_losses_are_those_of_PyTorch(string file, float rate, bool transposed)
    {
        var expected = NpzFile.ReadAll(TestData.Oracle(file));
        var losses = expected["loss"].ToFloat64();
        var last = expected.Keys.Where(name => name.StartsWith("mask_step", StringComparison.Ordinal)).Max(name => int.Parse(name["mask_step".Length..], null));
        var (features, basis) = Recorded.Value;
        var (weight, bias) = Head();
        var labels = Enumerable.Repeat(OracleRun.ForgetClass, features.Length / D).ToArray();
        var u = Array.ConvertAll(basis, v => (float)v);
        var descent = new MaskDescent<float>(features, labels, u, weight, bias, D);
        var batches = Enumerable.Range(0, labels.Length).Chunk(Batch).ToArray();
        var (seen, compared, step) = (0, 0, 0);
        while (step < last || (seen < losses.Length && step < batches.Length))
        {
            var rows = batches[step % batches.Length];
            var stepper = transposed && step == 0 ? new MaskDescent<float>(features, labels, Transpose(u), weight, bias, D) : descent;
            var loss = stepper.Gradient(rows, new float[D * D]);
            var hits = stepper.Step(rows, rate);
            var mask = new float[D * D];
            stepper.ReadMask(mask);
            if (stepper != descent)
                descent.WriteMask(mask = Transpose(mask));
            Assert.All(mask, m => Assert.InRange(m, 0, 1));
            step++;
            // Batches without a hit have no loss there.
            if (hits > 0 && seen < losses.Length)
            {
                // A sample at the border may be a hit on one side only, which shows in the mean.
                Assert.True(Math.Abs(losses[seen] - loss) <= 1e-3 * Math.Max(1, Math.Abs(losses[seen])), $"loss of step {step}: {loss}, PyTorch {losses[seen]}");
                seen++;
            }

            if (!expected.TryGetValue($"mask_step{step}", out var recorded))
                continue;
            compared++;
            var apart = mask.Zip(recorded.ToFloat32(), (a, b) => Math.Abs(a - b)).Max();
            Assert.True(apart <= (step <= 100 ? 1e-4 : 1e-3), $"mask after step {step}: {apart} apart");
        }

        Assert.Equal(expected.Count - 1, compared);
        Assert.Equal(losses.Length, seen);
    }

    [Theory]
    [InlineData(0.001f, "esct_lr0.001")]
    [InlineData(0.1f, "esct_lr0.1")]
    [InlineData(1f, "esct_lr1")]
    [InlineData(10f, "esct_lr10")]
    [InlineData(100f, "esct_lr100")]
    public void Accuracies_are_those_of_PyTorch(float rate, string key)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(TestData.Oracle("results.json")));
        var expected = json.RootElement.GetProperty(key);
        var (features, basis) = Recorded.Value;
        var (weight, bias) = Head();
        var rows = ForgetRows.Cached(features, [.. Enumerable.Repeat(OracleRun.ForgetClass, features.Length / D)], 0, shuffle: false);
        using var training = new MaskTraining(basis, weight, bias, D, null, new MaskSettings { Rate = rate, Epochs = 50, Batch = Batch });
        var state = training.Run(MaskState.Start(D * D), rows);
        Assert.Equal(expected.GetProperty("epochs").GetInt32(), state.Epochs);
        // Large steps amplify rounding: what PyTorch summed in another order ends a few samples off.
        AssertNear(expected.GetProperty("hits_left").GetInt32(), state.Hits, 50, "hits left");
        AssertNear(100 * expected.GetProperty("mask_below_0p7").GetDouble(), 100.0 * state.Mask.Count(m => m < 0.7f) / state.Mask.Length, 0.06, "share below 0.7");
        Assert.Equal(state.Hits, training.CountHits(rows.Training(0), state.Mask));
        AssertAccuracies(expected.GetProperty("soft"), state.Mask, "soft");
        foreach (var tau in expected.GetProperty("hard").EnumerateObject())
            AssertAccuracies(tau.Value, Array.ConvertAll(state.Mask, m => m > float.Parse(tau.Name, System.Globalization.CultureInfo.InvariantCulture) ? 1f : 0f), $"tau {tau.Name}");

        void AssertAccuracies(JsonElement accuracies, float[] mask, string what)
        {
            var (folded, shift) = MaskedAccuracy.Fold(basis, mask, weight, bias);
            var (train, test) = OracleRun.Original;
            foreach (var (bank, forget, remain) in new[] { (train, "D_f", "D_r"), (test, "D_ft", "D_rt") })
            {
                var (forgotten, remaining) = MaskedAccuracy.Of(bank, folded, shift);
                AssertNear(accuracies.GetProperty(forget).GetDouble(), forgotten, Tolerance, $"{what} {forget}");
                AssertNear(accuracies.GetProperty(remain).GetDouble(), remaining, Tolerance, $"{what} {remain}");
            }
        }
    }

    // Points: the masks of both sides differ by rounding that steps amplify.
    private const double Tolerance = 0.5;

    private static (float[] Weight, float[] Bias) Head()
    {
        using var model = OracleRun.Model();
        return (model.Head.Weight.Value.ToArray(), model.Head.Bias!.Value.ToArray());
    }

    private static void AssertNear(double expected, double actual, double tolerance, string what) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance, $"{what}: {actual}, PyTorch {expected}");

    private static float[] Transpose(float[] square)
    {
        var result = new float[square.Length];
        for (var i = 0; i < D; i++)
        {
            for (var j = 0; j < D; j++)
                result[(j * D) + i] = square[(i * D) + j];
        }

        return result;
    }
}

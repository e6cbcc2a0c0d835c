using System.Globalization;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Kernels.Cpu;
using EscNative.Tests.Cuda;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

/// <summary>The two rules of ESC-T that decide at equality: a row whose label ties with another class, and an entry of the mask at tau.</summary>
public sealed class MaskRuleTests
{
    public static TheoryData<string> Machines => ["cpu", .. CudaMachine.Names];

    // d = 3 features that are the scores: the head is the identity, and so is the basis.
    private static readonly float[] Identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];

    [Theory]
    [MemberData(nameof(Machines))]
    public void Of_equal_scores_the_class_with_the_lowest_number_is_predicted(string name)
    {
        // Row by row: the label ties with a later class, with an earlier one, with both, is alone, ties for the second place, is NaN-free.
        float[] z = [2, 2, 0, 2, 2, 0, 1, 1, 1, 1, 1, 1, 0, 3, 0, 3, 2, 2, -1, 5, 5];
        int[] labels = [0, 1, 0, 2, 1, 2, 1];
        bool[] hits = [true, false, true, false, true, false, true];
        OnMachine(name, z, labels, trainer =>
        {
            Assert.Equal(hits.Count(h => h), trainer.Epoch([], 1).Hits);
            // And in a step: what is no hit moves nothing.
            var mask = new float[9];
            Array.Fill(mask, 1f);
            for (var row = 0; row < labels.Length; row++)
            {
                trainer.WriteMask(mask);
                Assert.Equal((row, hits[row] ? 1 : 0), (row, trainer.Epoch([row], 0.125f).Updates));
            }
        });
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void An_entry_at_the_threshold_is_dropped(string name)
    {
        float[] mask = [0, float.Epsilon, 0.25f, MathF.BitDecrement(0.7f), 0.7f, MathF.BitIncrement(0.7f), MathF.BitDecrement(1), 1, 0.5f];
        OnMachine(name, [1, 0, 0], [0], trainer =>
        {
            trainer.WriteMask(mask);
            foreach (var tau in (float[])[0, float.Epsilon, 0.25f, 0.5f, 0.7f, MathF.BitDecrement(1), 1])
                Assert.Equal(Array.ConvertAll(mask, m => m > tau), trainer.Threshold(tau));
        });
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void The_method_keeps_the_entries_that_the_trainer_says_are_above_tau(double tau)
    {
        using var folder = new TemporaryFolder();
        using var model = SmallImages.Model();
        model.Training = false;
        var split = ForgetSplit.Create(SmallImages.Data(train: 100), ForgetRequest.ForClasses(2));
        // The head's bias has every image predicted as the class, so that there is something to learn.
        model.Head.Bias!.Value.CopyFrom<float>([0, 0, 3, 0]);
        var d = model.FeatureWidth;
        var path = folder["mask.safetensors"];
        var method = new EscT();
        var options = new UnlearningOptions { Parameters = new Dictionary<string, double> { ["tau"] = tau, ["epochs"] = 3, ["batch"] = 8, ["learning-rate"] = 20_000 } };
        var result = method.Run(new UnlearningContext(model, split.Forget, options) { CheckpointPath = path });
        float[] mask;
        using (var file = EscNative.Engine.Formats.SafetensorsFile.Open(path))
            mask = file.Read("mask").ToFloat32();
        Assert.Contains(0f, mask);
        Assert.Contains(mask, m => m is > 0 and < 1);
        Assert.Contains(1f, mask);

        // tau 0 drops the zeros alone, tau 1 drops everything: no entry is above it.
        var factor = Assert.Single(model.Erasure!.Factors);
        var dropped = mask.Count(m => !(m > tau));
        Assert.Equal(dropped / (double)mask.Length, double.Parse(factor.Origin["share-below-tau"], CultureInfo.InvariantCulture), 1e-15);
        // Entries of U may be 0 themselves.
        Assert.InRange(factor.Left.ToArray().Count(v => v != 0), tau == 1 ? 0 : 1, mask.Count(m => m > tau));
        Assert.Equal(tau == 1, result.Notes.Any(n => n.StartsWith("no entry of the mask is above tau", StringComparison.Ordinal)));
        if (tau == 1)
            Assert.All(FeatureBank.Extract(model, split.Forget).Features, v => Assert.Equal(0, v));
    }

    [Fact]
    public void A_threshold_of_1_erases_everything_and_says_so_even_where_nothing_was_learned()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var split = ForgetSplit.Create(SmallImages.Data(train: 40), ForgetRequest.ForClasses(2));
        // None of it is predicted as the class.
        model.Head.Bias!.Value.CopyFrom<float>([0, 0, -100, 0]);
        var options = new UnlearningOptions { Parameters = new Dictionary<string, double> { ["tau"] = 1 } };
        var result = new EscT().Run(new UnlearningContext(model, split.Forget, options));
        Assert.Contains(result.Notes, n => n.StartsWith("no entry of the mask is above tau", StringComparison.Ordinal));
        Assert.DoesNotContain(result.Notes, n => n.Contains("nothing is erased", StringComparison.Ordinal));
        Assert.All(FeatureBank.Extract(model, split.Remain).Features, v => Assert.Equal(0, v));
    }

    private static void OnMachine(string name, float[] z, int[] labels, Action<IMaskTrainer> body)
    {
        var problem = new MaskProblem(z, labels, Array.ConvertAll(Identity, v => (double)v), Identity, [0, 0, 0], 3, 4);
        if (name == "cpu")
        {
            using var own = new CpuMaskTrainer(problem);
            body(own);
            return;
        }

        using var machine = CudaMachine.Use(name);
        using var trainer = new CudaMaskTrainer(machine.Context, problem);
        body(trainer);
    }
}

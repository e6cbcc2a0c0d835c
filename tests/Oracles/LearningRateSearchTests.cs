using System.Globalization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Oracles;

/// <summary>
/// The search for ESC-T's default learning rate: every rate from 0.001 to 100 on the cached features of class 4 of the real CIFAR-10.
/// With ESC_RECORD=1 the table is written to <c>bench/results/esct-learning-rate.csv</c>; else the slowest rate and those around the
/// default are compared with what lies there.
/// </summary>
public sealed class LearningRateSearchTests
{
    private const string Header = "model,learning_rate,epochs,steps,hits_left_soft,hits_left_0.7,share_below_0.7,D_f,D_ft,D_rt,original_D_rt";

    private static readonly bool Recording = Environment.GetEnvironmentVariable("ESC_RECORD") == "1";

    private static readonly double[] Rates = Recording ? [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100] : [0.001, 0.1, 0.3, 1, 3];

    private static string Record => Path.Combine(Repository.Root, "bench", "results", "esct-learning-rate.csv");

    [Fact]
    public void The_default_rate_is_what_the_search_gives()
    {
        var test = DataFolder.Open(TestData.Cifar10Folder).Test;
        var lines = new List<string> { Header };
        foreach (var (name, path) in new[]
        {
            ("All-CNN (oracle; PyTorch)", TestData.Oracle("cifar10_ori_allcnn.safetensors")),
            ("All-CNN (comes with the program)", Path.Combine(Repository.Root, "bench", "Pretrained", "allcnn-cifar10.safetensors")),
        })
        {
            using var model = ModelFile.Load(path);
            lines.AddRange(Search(name, model, FeatureBank.Extract(model, OracleRun.Split.Forget), name.Contains("oracle", StringComparison.Ordinal) ? OracleRun.Original.Test : FeatureBank.Extract(model, test)));
        }

        if (Recording)
            File.WriteAllLines(Record, lines);
        var recorded = File.ReadAllLines(Record);
        Assert.Equal(Header, recorded[0]);
        var rows = lines.Skip(1).Select(Parse).ToArray();
        Assert.Equal(2 * Rates.Length, rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            var saved = Assert.Single(recorded.Skip(1).Select(Parse), r => r.Key == rows[i].Key);
            Assert.Equal(saved.Epochs, rows[i].Epochs, 1.0);
            // On other vectors other roundings, which large steps amplify.
            Assert.Equal(saved.RemainTest, rows[i].RemainTest, 1.0);
        }

        // The default: the rate whose binary mask forgets every image, and keeps most of the others over all models.
        var best = rows.GroupBy(r => r.Rate).Where(g => g.All(r => r is { Epochs: <= 2, SoftHits: 0, Forget: 0 })).ToArray();
        var wanted = new EscT().Parameters.Single(p => p.Name == "learning-rate").Default;
        Assert.Contains(best, g => g.Key == wanted);
        Assert.True(
            best.Single(g => g.Key == wanted).Average(r => r.RemainTest) > best.Max(g => g.Average(r => r.RemainTest)) - 0.3,
            string.Join('\n', lines));
        // The released code's rate does not get there in its 50 epochs.
        Assert.All(rows.Where(r => r.Rate == 0.001), r => Assert.True(r is { Epochs: 50, SoftHits: > 0 }));
    }

    private static IEnumerable<string> Search(string name, Classifier model, FeatureBank forget, FeatureBank test)
    {
        var (weight, bias, d) = (model.Head.Weight.Value.ToArray(), model.Head.Bias!.Value.ToArray(), model.FeatureWidth);
        var basis = EscT.SquareBasis(new SubspaceProblem(forget.Features, forget.Count, d), "gram-eigen");
        var rows = ForgetRows.Cached(forget.Features, forget.Labels, 42, shuffle: true);
        var original = MaskedAccuracy.Of(test, Array.ConvertAll(weight, v => (double)v), Array.ConvertAll(bias, v => (double)v)).Remain;
        foreach (var rate in Rates)
        {
            using var training = new MaskTraining(basis, weight, bias, d, null, new MaskSettings { Rate = (float)rate, Epochs = 50 });
            var state = training.Run(MaskState.Start(d * d), rows);
            var hard = Array.ConvertAll(state.Mask, m => m > 0.7f ? 1f : 0f);
            var (folded, shift) = MaskedAccuracy.Fold(basis, hard, weight, bias);
            var (forgetTest, remainTest) = MaskedAccuracy.Of(test, folded, shift);
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{name},{rate},{state.Epochs},{state.Updates},{state.Hits},{training.CountHits(rows.Training(0), hard)},{hard.Average(m => 1 - m):0.000000},{MaskedAccuracy.Of(forget, folded, shift).Forget:0.00},{forgetTest:0.00},{remainTest:0.00},{original:0.00}");
        }
    }

    private static Row Parse(string line)
    {
        var fields = line.Split(',');
        Assert.Equal(Header.Split(',').Length, fields.Length);
        return new Row($"{fields[0]} {fields[1]}", Number(1), (int)Number(2), (int)Number(4), Number(7), Number(9));

        double Number(int field) => double.Parse(fields[field], CultureInfo.InvariantCulture);
    }

    private sealed record Row(string Key, double Rate, int Epochs, int SoftHits, double Forget, double RemainTest);
}

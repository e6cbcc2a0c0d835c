using System.Text.Json;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

/// <summary>What scikit-learn 1.4.2 computed on recorded data (record_sklearn.py), against the classifiers of the attacks.</summary>
public sealed class SklearnTests
{
    public static TheoryData<string> Logistic => Names("logistic");

    public static TheoryData<string> Svc => Names("svc");

    [Theory]
    [MemberData(nameof(Logistic))]
    public void A_logistic_regression_has_scikit_learns_coefficients_within_1e_4(string name)
    {
        var set = Set("logistic", name);
        var (x, y) = (Doubles(set, "x"), Marks(set, "y"));
        var fit = BinaryLogistic.Fit(x, Width(set), y, set.GetProperty("penalty").GetDouble(), set.GetProperty("balanced").GetBoolean());
        var expected = Doubles(set, "coef");
        for (var j = 0; j < expected.Length; j++)
            Assert.InRange(fit.Coefficients[j], expected[j] - 1e-4, expected[j] + 1e-4);
        var intercept = set.GetProperty("intercept").GetDouble();
        Assert.InRange(fit.Intercept, intercept - 1e-4, intercept + 1e-4);
        // Its default tolerance is what the published attack uses: it stops within a hundredth of the optimum.
        var published = Doubles(set, "default_coef");
        for (var j = 0; j < expected.Length; j++)
            Assert.InRange(fit.Coefficients[j], published[j] - 1e-2, published[j] + 1e-2);
    }

    [Theory]
    [MemberData(nameof(Logistic))]
    public void On_the_same_splits_the_attack_has_scikit_learns_scores(string name)
    {
        var set = Set("logistic", name);
        var (x, y, width) = (Doubles(set, "x"), Marks(set, "y"), Width(set));
        var scores = Doubles(set, "scores");
        var splits = set.GetProperty("splits").EnumerateArray().ToArray();
        for (var s = 0; s < splits.Length; s++)
        {
            var train = Integers(splits[s], "train");
            var test = Integers(splits[s], "test");
            var fit = BinaryLogistic.Fit(
                [.. train.SelectMany(i => x.AsSpan(i * width, width).ToArray())], width, Array.ConvertAll(train, i => y[i]),
                set.GetProperty("penalty").GetDouble(), set.GetProperty("balanced").GetBoolean());
            var right = test.Count(i => fit.Decision(x.AsSpan(i * width, width)) > 0 == y[i]);
            Assert.Equal(scores[s], (double)right / test.Length, 1e-12);
        }

        Assert.Equal(width == 1 ? 5 : 0, splits.Length);
    }

    [Theory]
    [MemberData(nameof(Svc))]
    public void A_support_vector_classifier_decides_as_scikit_learns_on_99_5_per_cent(string name)
    {
        var set = Set("svc", name);
        var (x, width) = (Doubles(set, "x"), Width(set));
        var machine = SupportVectorMachine.Fit(x, width, Marks(set, "y"), set.GetProperty("c").GetDouble());
        Assert.True(machine.Converged);
        double[] points = [.. x, .. Doubles(set, "fresh")];
        var decisions = Doubles(set, "decisions");
        var same = 0;
        var furthest = 0.0;
        foreach (var (mine, theirs) in machine.Decisions(points).Zip(decisions))
        {
            same += mine > 0 == theirs > 0 ? 1 : 0;
            furthest = Math.Max(furthest, Math.Abs(mine - theirs));
        }

        Assert.True(same >= 0.995 * decisions.Length, $"{decisions.Length - same} of {decisions.Length} decisions differ, by up to {furthest}");
        var support = set.GetProperty("support").GetInt32();
        Assert.InRange(machine.SupportVectors, (0.95 * support) - 2, (1.05 * support) + 2);
    }

    [Fact]
    public void A_small_cache_of_kernel_rows_changes_nothing()
    {
        var set = Set("svc", "two moons");
        var (x, y) = (Doubles(set, "x"), Marks(set, "y"));
        var (all, two) = (SupportVectorMachine.Fit(x, 2, y, 3), SupportVectorMachine.Fit(x, 2, y, 3, cacheBytes: 1));
        Assert.Equal((all.Rho, all.Iterations, all.SupportVectors), (two.Rho, two.Iterations, two.SupportVectors));
    }

    [Fact]
    public void The_alphas_meet_the_conditions_of_the_optimum()
    {
        // Free alphas stand on the margin, alphas at C within it, rows without one beyond it.
        var set = Set("svc", "fourteen normal columns");
        var (x, y) = (Doubles(set, "x"), Marks(set, "y"));
        var machine = SupportVectorMachine.Fit(x, 14, y, 0.5);
        var outside = machine.Decisions(x).Zip(y).Count(r => (r.Second ? 1 : -1) * r.First > 1 + 2e-3);
        Assert.True(outside <= y.Length - machine.SupportVectors, $"{outside} rows beyond the margin, {machine.SupportVectors} support vectors");
    }

    [Fact]
    public void One_class_alone_is_refused()
    {
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => BinaryLogistic.Fit([1, 2], 1, [true, true])).Code);
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => SupportVectorMachine.Fit([1, 2], 1, [false, false], 1)).Code);
        Assert.Throws<UsageException>(() => SupportVectorMachine.Fit([1, 2], 1, [false, true], 0));
    }

    private static string Path(string kind) => System.IO.Path.Combine(Repository.Root, "tests", "Metrics", "data", $"sklearn_{kind}.json");

    private static TheoryData<string> Names(string kind)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path(kind)));
        return [.. json.RootElement.GetProperty("sets").EnumerateArray().Select(s => s.GetProperty("name").GetString()!)];
    }

    private static JsonElement Set(string kind, string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path(kind)));
        return json.RootElement.GetProperty("sets").EnumerateArray().Single(s => s.GetProperty("name").GetString() == name).Clone();
    }

    private static int Width(JsonElement set) => set.GetProperty("width").GetInt32();

    private static double[] Doubles(JsonElement set, string name) => [.. set.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];

    private static int[] Integers(JsonElement set, string name) => [.. set.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];

    private static bool[] Marks(JsonElement set, string name) => [.. set.GetProperty(name).EnumerateArray().Select(v => v.GetInt32() == 1)];
}

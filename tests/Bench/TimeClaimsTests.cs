using System.Text.Json;
using EscNative.Bench.Claims;
using EscNative.Bench.Experiments;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

public sealed class TimeClaimsTests
{
    private const string Fastest = "the fastest";
    private const string Single = "single forward";
    private const string Lau = "as fast as LAU";
    private const string Retrain = "Retrain takes";

    [Fact]
    public void Every_number_of_table_5_has_a_row_and_each_row_says_where_the_sentence_stands()
    {
        var claims = TimeClaims.Of(Compared(new() { ["esc"] = [1] }));
        Assert.Equal(5 + PaperRunTimes.Table5Seconds.Count + 1, claims.Count);
        Assert.Equal(PaperRunTimes.Table5Seconds.Count + 1, claims.Count(c => c.Where == "table 5"));
        Assert.All(claims, c => Assert.True(c.Where.Length > 0 && c.Basis is TimeClaimResult.Text or TimeClaimResult.Reference && c.Setting.Length > 0 && c.Form.Length > 0 && c.Reason.Length > 0, c.Claim));
        Assert.Equal(29.47 / 2.24, Find(claims, "ESC-T takes 29.47 s").Claimed, 12);
        Assert.Equal(2.24 / 2681.72, Find(claims, "ESC takes 2.24 s").Claimed, 12);
    }

    [Theory]
    [InlineData(10.0, 11.0, TimeClaimResult.Holds)]
    [InlineData(3.0, 3.2, TimeClaimResult.DoesNotHold)]
    [InlineData(9.0, 10.0, TimeClaimResult.CannotBeTold)]
    public void A_ratio_holds_with_its_whole_interval_or_breaks_with_it(double shortest, double longest, string verdict)
    {
        var claim = Find(TimeClaims.Of(Compared(new() { ["lau"] = [longest, shortest, longest], ["esc"] = [1, 1.05, 1] })), Lau);
        Assert.Equal((9.17, verdict), (claim.Claimed, claim.Verdict));
        Assert.Equal([shortest / 1.05, longest], claim.Interval!);
        Assert.Equal(["experiment.methods[1].trials[0].requests[0].samples", "experiment.methods[2].trials[0].requests[0].samples"], claim.Samples);
    }

    [Fact]
    public void A_time_that_was_taken_once_is_given_a_fifth_either_way()
    {
        var claim = Find(TimeClaims.Of(Compared(new() { ["lau"] = [10], ["esc"] = [1, 1, 1] })), Lau);
        Assert.Equal(TimeClaimResult.CannotBeTold, claim.Verdict);
        Assert.Equal([8, 12], claim.Interval!);
        Assert.Contains("8.00 to 12.0", claim.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("resnet18", "images 0-4999", 1300, TimeClaimResult.Holds)]
    [InlineData("resnet18", "images 0-4999", 300, TimeClaimResult.DoesNotHold)]
    [InlineData("resnet18", "class 4 (deer)", 1300, TimeClaimResult.CannotBeTold)]
    [InlineData("allcnn", "images 0-4999", 1300, TimeClaimResult.CannotBeTold)]
    public void A_number_of_table_5_is_judged_in_its_own_setting_only(string architecture, string request, double factor, string verdict)
    {
        var result = Compared(new() { ["retrain"] = [factor, factor], ["esc"] = [1, 1] }, architecture, request);
        var claim = Find(TimeClaims.Of(result), Retrain);
        Assert.Equal((factor, verdict), (claim.Measured, claim.Verdict));
        Assert.Contains("ESC is the faster one", claim.Reason, StringComparison.Ordinal);
        Assert.Equal(verdict == TimeClaimResult.CannotBeTold, claim.Reason.Contains(architecture + ", ", StringComparison.Ordinal));
        Assert.Equal(verdict, Find(TimeClaims.Of(result), "ESC takes 2.24 s").Verdict);
    }

    [Fact]
    public void The_fastest_is_known_when_everything_was_measured_and_refuted_by_one()
    {
        string[] all = ["retrain", "finetune", "fisher", "scrub", "l1-sparse", "salun", "badt", "ng", "rl", "bs", "lau"];
        var times = all.ToDictionary(m => m, _ => (double[])[2, 2.1]);
        times["esc"] = [1, 1.1];
        Assert.Equal(TimeClaimResult.Holds, Find(TimeClaims.Of(Compared(times)), Fastest).Verdict);
        times["lau"] = [1.05, 1.2];
        Assert.Equal(TimeClaimResult.CannotBeTold, Find(TimeClaims.Of(Compared(times)), Fastest).Verdict);
        times["lau"] = [0.5, 0.6];
        Assert.Equal(TimeClaimResult.DoesNotHold, Find(TimeClaims.Of(Compared(times)), Fastest).Verdict);
        Assert.Contains("reversed", Find(TimeClaims.Of(Compared(new() { ["rl"] = [0.5, 0.6], ["esc"] = [1, 1.1] })), "RL takes").Reason, StringComparison.Ordinal);
        times["lau"] = [2, 2.1];
        times.Remove("bs");
        var missing = Find(TimeClaims.Of(Compared(times)), Fastest);
        Assert.Equal(TimeClaimResult.CannotBeTold, missing.Verdict);
        Assert.Contains("bs was not measured", missing.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_measured_says_how_to_measure_it()
    {
        var claims = TimeClaims.Of(Compared(new() { ["esc"] = [1, 1] }));
        Assert.All(claims.Where(c => c.Where == "table 5"), c => Assert.Equal(TimeClaimResult.CannotBeTold, c.Verdict));
        Assert.Contains("report --method esc,lau", Find(claims, Lau).Reason, StringComparison.Ordinal);
        Assert.Contains("report --method esc,retrain", Find(claims, "ESC takes 2.24 s").Reason, StringComparison.Ordinal);
        Assert.Equal(TimeClaimResult.CannotBeTold, Find(TimeClaims.Of(Compared(new() { ["lau"] = [1, 1] })), Single).Verdict);
    }

    [Fact]
    public void A_second_pass_or_a_step_of_training_breaks_what_is_counted()
    {
        var claims = TimeClaims.Of(Compared(new() { ["esc"] = [1, 1] }));
        Assert.Equal((1.0, TimeClaimResult.Holds), (Find(claims, Single).Measured, Find(claims, Single).Verdict));
        Assert.Equal(TimeClaimResult.Holds, Find(claims, "training-free").Verdict);
        claims = TimeClaims.Of(Compared(new() { ["esc"] = [1, 1] }, passes: 2, steps: 3));
        Assert.Equal((2.0, TimeClaimResult.DoesNotHold), (Find(claims, Single).Measured, Find(claims, Single).Verdict));
        Assert.Equal((3.0, TimeClaimResult.DoesNotHold), (Find(claims, "training-free").Measured, Find(claims, "training-free").Verdict));
    }

    [Fact]
    public void A_report_on_one_method_counts_and_names_the_share_of_the_forward_pass()
    {
        var sample = SampleResult.Create();
        var result = sample with { Experiment = null, Erasures = [sample.Erasures![0] with { ForwardedImages = 150, Steps = 0 }] };
        var claims = TimeClaims.Of(result);
        var single = Find(claims, Single);
        Assert.Equal(TimeClaimResult.Holds, single.Verdict);
        Assert.Equal(["erasures[0].forwardedImages", "request.forgetImages"], single.Samples);
        Assert.Contains("74.0 % of the request", single.Reason, StringComparison.Ordinal);
        Assert.Equal(["latency.requestSamplesMs"], Find(claims, "ESC takes 2.24 s").Samples);
        AssertTraced(result with { TimeClaims = claims });
    }

    [Fact]
    public void Every_measured_claim_leads_to_numbers_of_the_result()
    {
        var result = Compared(new() { ["retrain"] = [90], ["lau"] = [2, 3], ["esc"] = [1, 1.5] });
        AssertTraced(result with { TimeClaims = TimeClaims.Of(result) });
    }

    /// <summary>Follows the paths of all claims into the JSON text.</summary>
    internal static void AssertTraced(ResultDocument result)
    {
        using var json = JsonDocument.Parse(ResultJson.Serialize(result));
        foreach (var claim in result.TimeClaims!)
        {
            Assert.Equal(double.IsNaN(claim.Measured) && claim.Here == "not measured", claim.Samples.Count == 0);
            foreach (var path in claim.Samples)
            {
                var at = json.RootElement;
                foreach (var part in path.Replace("[", ".[", StringComparison.Ordinal).Split('.'))
                    at = part[0] == '[' ? at[int.Parse(part[1..^1], System.Globalization.CultureInfo.InvariantCulture)] : at.GetProperty(part);
                JsonElement[] numbers = at.ValueKind == JsonValueKind.Array ? [.. at.EnumerateArray()] : [at];
                Assert.NotEmpty(numbers);
                Assert.All(numbers, n => Assert.Equal(JsonValueKind.Number, n.ValueKind));
            }
        }
    }

    private static TimeClaimResult Find(IReadOnlyList<TimeClaimResult> claims, string words) => claims.Single(c => c.Claim.Contains(words, StringComparison.Ordinal));

    private static ResultDocument Compared(
        Dictionary<string, double[]> samples, string architecture = "allcnn", string request = "class 4 (deer)", int passes = 1, long steps = 0) => SampleResult.Create() with
        {
            Data = new DataResult("cifar-10", 50_000, 10_000, [.. Enumerable.Range(0, 10).Select(c => $"class {c}")], []),
            Model = new ModelResult(architecture, 1, 1, 96, 10, "file", null),
            Experiment = new ExperimentResult
            {
                Scenario = "given",
                Description = "",
                Trials = [new TrialResult(0, 42, [request], 5000, 45_000)],
                Methods =
                [
                    new MethodResult { Method = "original", Data = "", Trials = [], Metrics = [] },
                    .. samples.Select(s => new MethodResult
                    {
                        Method = s.Key,
                        Data = "D_f",
                        Trials = [new MethodTrialResult(0, s.Value.Order().ElementAt(s.Value.Length / 2), [new AnswerResult(request, "completed", s.Value[0], s.Value.Length, steps, [], null, s.Value, 5000 * passes)], null)],
                        Metrics = [],
                    }),
                ],
                Metrics = [],
                Claims = [],
            },
        };
}

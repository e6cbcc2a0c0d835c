using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Tests.Scenarios;

public sealed class ScenarioRunnerTests
{
    private static readonly EvaluationOptions Quick = new()
    {
        Official = SgdProbeOptions.Official with { Epochs = 1 },
        Strong = new StrongProbeOptions { L2 = [1e-2], MaxIterations = 20 },
    };

    [Fact]
    public void A_trial_is_answered_on_a_copy_and_measured()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var runner = Runner(model, null);
        var trial = Scenario.ClassWise.Trials(SmallImages.Data(), 1, 42)[0];
        var original = runner.Original(trial);
        var run = runner.Run(new Esc(), trial, new UnlearningOptions { Directions = 2 });
        Assert.Null(model.Erasure);
        Assert.Null(run.NotApplicable);
        var answer = Assert.Single(run.Requests);
        Assert.Equal("class 3", answer.Request);
        Assert.Equal(5, answer.Runs);
        Assert.True(answer.Seconds > 0);
        var report = MetricReport.Compare(original, run.Evaluation!);
        Assert.NotNull(report.Find("accuracy", "D_f")!.Value);
    }

    [Fact]
    public void Requests_follow_each_other_and_D_r_shrinks()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var seen = new List<(int Forget, int Remain, int Factors)>();
        var spy = new Spy(DataUse.ForgetAndRemain, context =>
        {
            seen.Add((context.Forget.Count, context.Remain.Count, context.Model.Erasure?.Factors.Count ?? 0));
            var axis = new double[24];
            axis[context.Model.Erasure?.Factors.Count ?? 0] = 1;
            context.Model.Erase(new ErasureOperator(24, ErasureFactor.Projection(axis, 24)));
        });
        var trial = Scenario.Given([ForgetRequest.ForClasses(2), ForgetRequest.ForClasses(0), ForgetRequest.ForClasses(1)]).Trials(SmallImages.Data(), 1, 3)[0];
        var run = Runner(model, null, repeats: 1).Run(spy, trial);
        Assert.Equal([(24, 72, 0), (24, 48, 1), (24, 24, 2), (72, 24, 0)], seen);
        Assert.Equal(3, run.Requests.Count);
        Assert.All(run.Requests, r => Assert.NotNull(r.Accuracies));
        Assert.NotNull(run.Joint!.Accuracies);
        Assert.Equal(run.Requests.Sum(r => r.Seconds), run.Seconds, 12);
    }

    [Fact]
    public void A_method_that_declared_D_f_only_gets_nothing_else_and_is_stopped_when_it_asks()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var trial = Scenario.ClassWise.Trials(SmallImages.Data(), 1, 42)[0];
        var rogue = new Spy(DataUse.ForgetOnly, context => _ = context.Remain.Count);
        var failure = Assert.Throws<EscException>(() => Runner(model, null).Run(rogue, trial));
        Assert.Equal(ErrorCode.Internal, failure.Code);
        Assert.Contains("forgetting data only", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_that_cannot_answer_a_request_says_so_and_the_experiment_goes_on()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        var trial = Scenario.RandomSamples().Trials(SmallImages.Data(), 1, 42)[0];
        var picky = new Spy(DataUse.ForgetOnly, _ => throw new InvalidOperationException("asked all the same")) { NotApplicable = "spy: forgets whole classes only" };
        Assert.Equal("spy: forgets whole classes only", Runner(model, null).Run(picky, trial).NotApplicable);
    }

    [Fact]
    public void An_experiment_goes_on_where_it_was_cancelled_and_takes_no_answer_to_another_question()
    {
        using var folder = new TemporaryFolder();
        using var model = SmallImages.Model();
        model.Training = false;
        var calls = 0;
        using var stop = new CancellationTokenSource();
        var spy = new Spy(DataUse.ForgetOnly, context =>
        {
            calls++;
            var axis = new double[24];
            axis[calls] = 1;
            context.Model.Erase(new ErasureOperator(24, ErasureFactor.Projection(axis, 24)));
            if (calls == 2)
            {
                stop.Cancel();
                stop.Token.ThrowIfCancellationRequested();
            }
        });
        var trial = Scenario.Given([ForgetRequest.ForClasses(2), ForgetRequest.ForClasses(0)]).Trials(SmallImages.Data(), 1, 3)[0];
        Assert.Throws<OperationCanceledException>(() => Runner(model, folder.Path, repeats: 1).Run(spy, trial, cancel: stop.Token));
        Assert.Equal(2, calls);

        // The first request is answered; the second and the joint one are not.
        var run = Runner(model, folder.Path, repeats: 1).Run(spy, trial);
        Assert.Equal(4, calls);
        Assert.Equal(["spoke"], run.Requests[0].Notes);
        Assert.Equal(0.5, run.Requests[0].Parameters["strength"]);

        // Everything is known now, to the bit.
        var again = Runner(model, folder.Path, repeats: 1).Run(spy, trial);
        Assert.Equal(4, calls);
        Assert.Equal(run.Requests.Select(r => r.Seconds), again.Requests.Select(r => r.Seconds));
        Assert.Equal(run.Evaluation!.Data.Train.Features, again.Evaluation!.Data.Train.Features);

        // Another parameter, seed, or model: another question.
        var options = new UnlearningOptions { Parameters = new Dictionary<string, double> { ["strength"] = 1 } };
        Runner(model, folder.Path, repeats: 1).Run(spy, trial, options);
        Assert.Equal(7, calls);
        Runner(model, folder.Path, repeats: 1).Run(spy, trial with { Seed = 4 }, options);
        Assert.Equal(10, calls);
        new ScenarioRunner(model, "another", SmallImages.Data(), new ScenarioRunnerOptions { Evaluation = Quick, StateFolder = folder.Path, Repeats = 1 }).Run(spy, trial, options);
        Assert.Equal(13, calls);
    }

    [Fact]
    public void A_method_in_training_goes_on_from_its_last_epoch_and_another_question_starts_anew()
    {
        using var folder = new TemporaryFolder();
        using var model = SmallImages.Model();
        model.Training = false;
        var trial = Scenario.ClassWise.Trials(SmallImages.Data(), 1, 42)[0];
        var method = MethodRegistry.Create("finetune");
        using var stop = new CancellationTokenSource();
        var progress = new Told(p =>
        {
            if (p.Stage.Contains("epoch 2", StringComparison.Ordinal))
                stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => Runner(model, folder.Path, repeats: 1).Run(method, trial, Epochs(3), progress, stop.Token));
        Assert.Single(Directory.GetFiles(folder.Path, "*.checkpoint"));

        // The other question neither takes up nor disturbs it.
        Assert.NotNull(Runner(model, folder.Path, repeats: 1).Run(method, trial, Epochs(1)).Evaluation);
        Assert.Single(Directory.GetFiles(folder.Path, "*.checkpoint"));
        var stages = new List<string>();
        var resumed = Runner(model, folder.Path, repeats: 1).Run(method, trial, Epochs(3), new Told(p => stages.Add(p.Stage)));
        Assert.DoesNotContain("finetune: epoch 1 of 3", stages);
        Assert.Empty(Directory.GetFiles(folder.Path, "*.checkpoint"));
        var whole = Runner(model, null, repeats: 1).Run(method, trial, Epochs(3));
        Assert.Equal(whole.Evaluation!.Data.Train.Features, resumed.Evaluation!.Data.Train.Features);

        static UnlearningOptions Epochs(double epochs) => new() { Parameters = new Dictionary<string, double> { ["epochs"] = epochs, ["batch"] = 24 } };
    }

    private static ScenarioRunner Runner(Classifier model, string? folder, int repeats = 5) =>
        new(model, "model", SmallImages.Data(), new ScenarioRunnerOptions { Evaluation = Quick, StateFolder = folder, Repeats = repeats });

    private sealed class Told(Action<ScenarioProgress> report) : IProgress<ScenarioProgress>
    {
        public void Report(ScenarioProgress value) => report(value);
    }

    private sealed class Spy(DataUse use, Action<UnlearningContext> run) : IUnlearningMethod
    {
        public string? NotApplicable { get; init; }

        public string Name => "spy";

        public string Description => "spy";

        public DataUse DataUse => use;

        public IReadOnlyList<MethodParameter> Parameters => [new("strength", 0.5, "a number")];

        public string? WhyNotApplicable(UnlearningContext context) => NotApplicable;

        public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
        {
            run(context);
            return new UnlearningResult
            {
                Method = Name,
                Images = context.Forget.Count,
                Seconds = 0.001,
                Parameters = MethodParameters.Of(this, context.Options).Values,
                Notes = ["spoke"],
            };
        }
    }
}

using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Tests.Scenarios;

/// <summary>Kept answers belong to their question, and only what a method declares makes it not applicable.</summary>
public sealed class ScenarioStateTests
{
    private static readonly EvaluationOptions Quick = new()
    {
        Official = SgdProbeOptions.Official with { Epochs = 1 },
        Strong = new StrongProbeOptions { L2 = [1e-2], MaxIterations = 5 },
    };

    private static readonly Dictionary<string, Action<Question>> Changes = new()
    {
        ["training images"] = q => q.Data = new DataSet("stripes", SmallImages.Set(24, 7), q.Data.Test, q.Data.Normalisation),
        ["test images"] = q => q.Data = new DataSet("stripes", q.Data.Train, SmallImages.Set(16, 7), q.Data.Normalisation),
        ["model's name"] = q => q.ModelId = "another",
        ["model's values"] = q => q.Seed = 6,
        ["normalisation"] = q => q.Description = q.Description with { Normalisation = Normalisation.Cifar10 },
        ["class names"] = q => q.Description = q.Description with { ClassNames = ["a", "b", "c", "d"] },
        ["repeats"] = q => q.Runner = q.Runner with { Repeats = 2 },
        ["repeat below"] = q => q.Runner = q.Runner with { RepeatBelowSeconds = 1e-9 },
        ["p"] = q => q.Options = q.Options with { Percent = 5 },
        ["k"] = q => q.Options = q.Options with { Directions = 1 },
        ["solver"] = q => q.Options = q.Options with { Solver = "svd" },
        ["mode"] = q => q.Options = q.Options with { Mode = UnlearningMode.Official },
        ["batch"] = q => q.Options = q.Options with { BatchSize = 32 },
        ["augmentation"] = q => q.Options = q.Options with { OfficialAugmentation = false },
        ["parameter"] = q => q.Options = q.Options with { Parameters = new Dictionary<string, double> { ["strength"] = 1 } },
        ["trial's seed"] = q => q.Trial = q.Trial with { Seed = 4 },
        ["request"] = q => q.Trial = q.Trial with { Requests = [ForgetRequest.ForClasses(1)] },
    };

    public static TheoryData<string> Parts => [.. Changes.Keys];

    [Theory]
    [MemberData(nameof(Parts))]
    public void Another_question_takes_no_answer_of_this_one(string part)
    {
        using var folder = new TemporaryFolder();
        var spy = new Spy(_ => { });
        var question = new Question { Folder = folder.Path };
        question.Ask(spy);
        var calls = spy.Calls;
        question.Ask(spy);
        Assert.Equal(calls, spy.Calls);
        Changes[part](question);
        question.Ask(spy);
        Assert.True(spy.Calls > calls, $"{part}: an answer to another question was taken");
    }

    [Fact]
    public void Every_option_has_a_case()
    {
        // Those of a request; the seed is the trial's.
        Assert.Equal(8, typeof(UnlearningOptions).GetProperties().Length);
        // Evaluation is measured anew each time, and the folder is where it lies.
        Assert.Equal(["Evaluation", "RepeatBelowSeconds", "Repeats", "StateFolder"], typeof(ScenarioRunnerOptions).GetProperties().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_version_of_the_program_is_part_of_the_key()
    {
        using var model = new Question().Model();
        var identity = ScenarioRunner.IdentityOf(model, "model", SmallImages.Data(24, 16), new ScenarioRunnerOptions());
        Assert.Equal(typeof(ScenarioRunner).Assembly.GetName().Version!.ToString(3), identity.Parts["version"]);
        Assert.Contains("cpu", identity.Parts["arithmetic"], StringComparison.Ordinal);
    }

    [Fact]
    public void The_answers_of_shadows_belong_to_their_question()
    {
        var data = SmallImages.Data(24, 16);
        var options = new ULiraOptions { Shadows = 6, Targets = 4 };
        string[] keys =
        [
            ULira.KeyOf(data, "esc", options),
            ULira.KeyOf(data, "scrub", options),
            ULira.KeyOf(data, "esc", options with { Shadows = 8 }),
            ULira.KeyOf(data, "esc", options with { Targets = 5 }),
            ULira.KeyOf(data, "esc", options with { Seed = 1 }),
            ULira.KeyOf(new DataSet("stripes", SmallImages.Set(24, 7), data.Test, data.Normalisation), "esc", options),
            ULira.KeyOf(new DataSet("stripes", data.Train, SmallImages.Set(16, 7), data.Normalisation), "esc", options),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.All(keys, key => Assert.DoesNotContain('\n', key));
        Assert.Equal(keys[0], ULira.KeyOf(SmallImages.Data(24, 16), "esc", options));
    }

    [Fact]
    public void A_usage_error_is_no_excuse()
    {
        var spy = new Spy(_ => throw new UsageException("spy: a mistake"));
        Assert.Equal("spy: a mistake", Assert.Throws<UsageException>(() => new Question().Ask(spy)).Message);
        var unknown = new Question { Options = new UnlearningOptions { Parameters = new Dictionary<string, double> { ["strenght"] = 1 } } };
        Assert.Contains("strenght", Assert.Throws<UsageException>(() => unknown.Ask(new Spy(_ => { }))).Message, StringComparison.Ordinal);
        var nonsense = new Question { Options = new UnlearningOptions { Percent = 5 } };
        Assert.Contains("no use", Assert.Throws<UsageException>(() => nonsense.Ask(MethodRegistry.Create("scrub"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bug_is_no_excuse_either()
    {
        var spy = new Spy(_ => throw new InvalidOperationException("spy: a bug"));
        Assert.Throws<InvalidOperationException>(() => new Question().Ask(spy));
    }

    [Theory]
    [InlineData("unsir")]
    [InlineData("po-erase")]
    [InlineData("remap")]
    public void A_method_for_whole_classes_declares_that_it_does_not_apply_to_images(string name)
    {
        var question = new Question();
        question.Trial = question.Trial with { Requests = [ForgetRequest.ForIndices(0, 1, 2)] };
        Assert.Contains("wants one for whole classes", question.Ask(MethodRegistry.Create(name)).NotApplicable, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scrub")]
    [InlineData("ssd")]
    [InlineData("fisher")]
    [InlineData("kodge")]
    public void A_method_for_weights_declares_that_it_does_not_apply_to_an_erased_model(string name)
    {
        var question = new Question { Erased = true };
        Assert.Contains("has an erasure", question.Ask(MethodRegistry.Create(name)).NotApplicable, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_that_needs_the_remaining_data_and_does_not_get_them_is_a_usage_error()
    {
        var split = ForgetSplit.Create(SmallImages.Data(24, 16), ForgetRequest.ForClasses(2));
        foreach (var method in MethodRegistry.Names.Select(MethodRegistry.Create).Where(m => m.DataUse == DataUse.ForgetAndRemain))
        {
            using var model = new Question().Model();
            var error = Assert.Throws<UsageException>(() => method.Run(new UnlearningContext(model, split.Forget)));
            Assert.StartsWith($"{method.Name}: needs the remaining data", error.Message, StringComparison.Ordinal);
            var empty = Assert.Throws<EscException>(() => method.Run(new UnlearningContext(model, split.Forget, null, split.Remain.Subset([], "none"))));
            Assert.Equal(ErrorCode.BadInput, empty.Code);
        }

        var own = new Spy(context => _ = context.Remain.Count);
        using var given = new Question().Model();
        Assert.Equal(ErrorCode.Usage, Assert.Throws<EscException>(() => own.Run(new UnlearningContext(given, split.Forget))).Code);
    }

    private sealed class Question
    {
        public string? Folder { get; init; }

        public bool Erased { get; init; }

        public DataSet Data { get; set; } = SmallImages.Data(24, 16);

        public string ModelId { get; set; } = "model";

        public ulong Seed { get; set; } = 5;

        public ModelDescription Description { get; set; } =
            new() { Hyperparameters = new AllCnnHyperparameters(0.03), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half };

        public ScenarioRunnerOptions Runner { get; set; } = new() { Evaluation = Quick, Repeats = 1 };

        public UnlearningOptions Options { get; set; } = new();

        public ScenarioTrial Trial { get; set; } = new("request", 0, 3, [ForgetRequest.ForClasses(2)]);

        public Classifier Model()
        {
            var model = Architectures.Create(Description, Seed);
            model.Training = false;
            if (Erased)
                model.Erase(new ErasureOperator(model.FeatureWidth, ErasureFactor.Projection([1, .. new double[model.FeatureWidth - 1]], model.FeatureWidth)));
            return model;
        }

        public MethodRun Ask(IUnlearningMethod method)
        {
            using var model = Model();
            return new ScenarioRunner(model, ModelId, Data, Runner with { StateFolder = Folder }).Run(method, Trial, Options);
        }
    }

    private sealed class Spy(Action<UnlearningContext> run) : IUnlearningMethod
    {
        public int Calls { get; private set; }

        public string Name => "spy";

        public string Description => "spy";

        public DataUse DataUse => DataUse.ForgetOnly;

        public IReadOnlyList<MethodParameter> Parameters => [new("strength", 0.5, "a number")];

        public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
        {
            Calls++;
            run(context);
            return new UnlearningResult { Method = Name, Images = context.Forget.Count, Seconds = 0.001, Parameters = MethodParameters.Of(this, context.Options).Values };
        }
    }
}

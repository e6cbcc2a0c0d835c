using System.Collections;
using System.Globalization;
using System.Reflection;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Membership;
using EscNative.Unlearning.Metrics.Probes;
using EscNative.Unlearning.Metrics.Relearning;
using EscNative.Unlearning.Metrics.Reports;
using EscNative.Unlearning.Metrics.Similarity;
using EscNative.Unlearning.Scenarios;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Numbers;

/// <summary>
/// Every record of options refuses what makes no sense, naming the option, what it got and what it wants, and is asked before any work.
/// The records are found by reflection: a new one without a check, or without a row below that uses it, fails here.
/// </summary>
public sealed class OptionRecordTests
{
    private static readonly Assembly[] Libraries =
        [typeof(SubspaceIterationOptions).Assembly, typeof(Tensor).Assembly, typeof(Trainer).Assembly, typeof(UnlearningOptions).Assembly];

    // What no option may be. Where 0 is wrong too stands in Zero.
    private static readonly double[] Never = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, -1, int.MinValue];

    private static readonly HashSet<(string Type, string Property)> ZeroIsFine =
    [
        (nameof(TrainOptions), nameof(TrainOptions.StopAfter)), (nameof(TrainOptions), nameof(TrainOptions.Momentum)), (nameof(TrainOptions), nameof(TrainOptions.MomentumSwing)),
        (nameof(TrainOptions), nameof(TrainOptions.WeightDecay)), (nameof(TrainOptions), nameof(TrainOptions.CropPadding)), (nameof(PlanOptions), nameof(PlanOptions.ImagesPerChunk)),
        (nameof(PlanOptions), nameof(PlanOptions.ImagesPerRun)),
        (nameof(ScenarioRunnerOptions), nameof(ScenarioRunnerOptions.RepeatBelowSeconds)), (nameof(UnlearningOptions), nameof(UnlearningOptions.Percent)),
        (nameof(UnlearningOptions), nameof(UnlearningOptions.Directions)), (nameof(SubspaceIterationOptions), nameof(SubspaceIterationOptions.Oversampling)),
        (nameof(SgdProbeOptions), nameof(SgdProbeOptions.Momentum)), (nameof(RelearningOptions), nameof(RelearningOptions.Momentum)),
        (nameof(PhotoOptions), nameof(PhotoOptions.MemoryBudget)),
        (nameof(BinaryProbeOptions), nameof(BinaryProbeOptions.L2)), (nameof(StrongProbeOptions), nameof(StrongProbeOptions.L2)), (nameof(Augmentation), nameof(Augmentation.CropPadding)),
    ];

    // What uses a record, with one bad value: it must refuse before it looks at anything else.
    private static readonly Dictionary<Type, Action> Uses = new()
    {
        [typeof(SubspaceIterationOptions)] = () => _ = new SubspaceIterationSolver(new SubspaceIterationOptions { MaxIterations = 0 }),
        [typeof(PlanOptions)] = () => InferencePlan.Compile(new Relu(), 4, options: new PlanOptions { ImagesPerChunk = -1 }),
        [typeof(Conv2dOptions)] = () => _ = new Conv2d(4, 4, (3, 3), new RandomSource(1), new Conv2dOptions { Groups = 0 }),
        [typeof(BatchOptions)] = () => _ = new BatchLoader(SmallImages.Set(4, 1), Normalisation.Half, new BatchOptions { BatchSize = 0 }),
        [typeof(Augmentation)] = () => _ = new BatchLoader(SmallImages.Set(4, 1), Normalisation.Half, new BatchOptions { Augmentation = new Augmentation(true, -1) }),
        [typeof(PhotoOptions)] = () => DataFolder.Open("no such folder", new PhotoOptions { TestShare = 0 }),
        [typeof(ModelLoadOptions)] = () => ModelFile.Load("no such file", null, new ModelLoadOptions { ImageSize = 0 }),
        [typeof(TrainOptions)] = () => new Trainer(null!, null!, new TrainOptions { Epochs = 0 }).Run(),
        [typeof(UnlearningOptions)] = () => _ = new UnlearningContext(null!, null!, new UnlearningOptions { BatchSize = 0 }),
        [typeof(ScenarioRunnerOptions)] = () => WithModel(model => _ = new ScenarioRunner(model, "m", SmallImages.Data(), new ScenarioRunnerOptions { Repeats = 0 })),
        [typeof(EvaluationOptions)] = () => WithModel(model => EvaluationSuite.Measure(
            model, Split(), new EvaluationOptions { Neighbours = new NeighbourOptions { Neighbours = 0 } }, new Progress())),
        [typeof(NeighbourOptions)] = () => NearestNeighbours.Run(Data(), new NeighbourOptions { Neighbours = 0 }),
        [typeof(MlpProbeOptions)] = () => MlpProbe.Run(Data(), new MlpProbeOptions { Hidden = 0 }),
        [typeof(ULiraOptions)] = () => ULira.Run(SmallImages.Data(), (_, _, _) => throw new InvalidOperationException(), "", new ULiraOptions { Targets = 1 }),
        [typeof(StrongProbeOptions)] = () => StrongProbe.Run(Data(), new StrongProbeOptions { SgdEpochs = 0 }),
        [typeof(SimilarityOptions)] = () => ModelSimilarity.Of(Data(), Data(), forgotten: true, new SimilarityOptions { MaxRows = 0 }),
        [typeof(LossAttackOptions)] = () => LossAttack.Run([1.0, 2], [1.0, 2], new LossAttackOptions { Splits = 0 }),
        [typeof(RelearningOptions)] = () => WithModel(model => RelearningAttack.Measure(model, Split(), new RelearningOptions { Samples = 0 })),
        [typeof(MemberShareOptions)] = () => MemberShareAttack.Run(Data(), new MemberShareOptions { Rows = 0 }),
        [typeof(SgdProbeOptions)] = () => SgdProbe.Run(Data(), new SgdProbeOptions { Epochs = 0 }),
        [typeof(BinaryProbeOptions)] = () => BinaryProbe.Run(Data(), new BinaryProbeOptions { MaxIterations = 0 }),
    };

    public static TheoryData<string> Records => [.. OptionTypes().Select(t => t.FullName!)];

    [Fact]
    public void The_records_are_found() => Assert.True(OptionTypes().Count() >= 18, string.Join(", ", Records));

    [Theory]
    [MemberData(nameof(Records))]
    public void Every_number_is_checked(string name)
    {
        var type = Type(name);
        var validate = type.GetMethod("Validate", BindingFlags.Public | BindingFlags.Instance, System.Type.EmptyTypes);
        Assert.True(validate is not null, $"{name} has no public Validate()");
        // The defaults make sense.
        Call(validate, Default(type));
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
        {
            var values = ZeroIsFine.Contains((type.Name, property.Name)) ? Never : [.. Never, 0];
            foreach (var value in values)
            {
                if (Convert(property.PropertyType, value) is not { } bad)
                    continue;
                var options = Default(type);
                property.SetValue(options, bad);
                var thrown = Record.Exception(() => Call(validate, options));
                Assert.True(thrown is UsageException, $"{type.Name}.{property.Name} = {Text(bad)}: {thrown?.GetType().Name ?? "taken"}");
                Assert.Contains(Text(bad), thrown!.Message, StringComparison.Ordinal);
                Assert.Contains("wants", thrown.Message, StringComparison.Ordinal);
                Assert.True(Words(property.Name).Any(word => thrown.Message.Contains(word, StringComparison.OrdinalIgnoreCase)), $"'{thrown.Message}' does not name {property.Name}");
            }

            // Zero where it is said to be fine.
            if (values.Length == Never.Length && Convert(property.PropertyType, 0) is { } zero)
            {
                var options = Default(type);
                property.SetValue(options, zero);
                Call(validate, options);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Records))]
    public void Every_record_is_asked_before_any_work(string name)
    {
        Assert.True(Uses.TryGetValue(Type(name), out var use), $"{name}: add what uses it to this test");
        Assert.Contains("wants", Assert.Throws<UsageException>(use).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Records_within_records_are_checked()
    {
        Assert.Throws<UsageException>(() => new ScenarioRunnerOptions { Evaluation = new EvaluationOptions { Binary = new BinaryProbeOptions { L2 = -1 } } }.Validate());
        foreach (var property in typeof(EvaluationOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => Uses.ContainsKey(p.PropertyType)))
        {
            var inner = Default(property.PropertyType);
            var number = property.PropertyType.GetProperties().First(p => p.CanWrite && Convert(p.PropertyType, -1) is not null);
            number.SetValue(inner, Convert(number.PropertyType, -1));
            var options = new EvaluationOptions();
            property.SetValue(options, inner);
            Assert.True(Record.Exception(options.Validate) is UsageException, property.Name);
        }
    }

    public static TheoryData<string, double[]> Schedules() => new()
    {
        { nameof(Schedule.Constant), [0.1] }, { nameof(Schedule.Step), [0.1, 10, 0.1] }, { nameof(Schedule.Cosine), [0.1, 10, 0.01] },
        { nameof(Schedule.OneCycle), [0.1, 10, 0.3, 25, 1e4] }, { nameof(Schedule.OneCycleMomentum), [0.95, 0.85, 10, 0.3] },
    };

    [Fact]
    public void Every_schedule_is_below() => Assert.Equal(
        typeof(Schedule).GetMethods(BindingFlags.Public | BindingFlags.Static).Select(m => m.Name).Order(StringComparer.Ordinal),
        Schedules().Select(row => row.Data.Item1).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Schedules))]
    public void Schedules_check_their_arguments_at_once(string name, double[] arguments)
    {
        var method = typeof(Schedule).GetMethod(name)!;
        var parameters = method.GetParameters();
        Assert.NotNull(Make(arguments));
        for (var i = 0; i < arguments.Length; i++)
        {
            // Lengths and divisors of 0, and what is never right.
            foreach (var value in parameters[i].Name is "every" or "total" or "start" or "end" ? [.. Never, 0] : Never)
            {
                if (Convert(parameters[i].ParameterType, value) is not { } bad)
                    continue;
                var changed = (double[])arguments.Clone();
                changed[i] = value;
                var thrown = Record.Exception(() => Make(changed));
                Assert.True(thrown is UsageException, $"{name}, {parameters[i].Name} = {value}: {thrown?.GetType().Name ?? "taken"}");
                Assert.Contains($"{parameters[i].Name}: got {Text(bad)}, wants", thrown!.Message, StringComparison.Ordinal);
            }
        }

        object? Make(double[] values)
        {
            try
            {
                return method.Invoke(null, [.. values.Select((v, i) => Convert(parameters[i].ParameterType, v))]);
            }
            catch (TargetInvocationException e)
            {
                throw e.InnerException!;
            }
        }
    }

    [Fact]
    public void Optimizers_check_their_arguments_and_what_a_schedule_sets()
    {
        foreach (var bad in (double[])[double.NaN, double.PositiveInfinity, -1])
        {
            AssertRefused(bad, () => new Sgd([], bad));
            AssertRefused(bad, () => new Sgd([], 0.1, momentum: bad));
            AssertRefused(bad, () => new Sgd([], 0.1, weightDecay: bad));
            AssertRefused(bad, () => new Adam([], bad));
            AssertRefused(bad, () => new Adam([], beta1: bad));
            AssertRefused(bad, () => new Adam([], beta2: bad));
            AssertRefused(bad, () => new Adam([], eps: bad));
            AssertRefused(bad, () => new Adam([], weightDecay: bad));
            AssertRefused(bad, () => Adam.W([], weightDecay: bad));
            using var sgd = new Sgd([], 0.1, momentum: 0.9);
            AssertRefused(bad, () => sgd.LearningRate = bad);
            AssertRefused(bad, () => sgd.Momentum = bad);
            Assert.Equal((0.1, 0.9), (sgd.LearningRate, sgd.Momentum));
        }

        Assert.Throws<UsageException>(() => new Adam([], beta1: 1));
        Assert.Throws<UsageException>(() => new Adam([], beta2: 1));

        static void AssertRefused(double bad, Func<object> make)
        {
            var message = Assert.Throws<UsageException>(() => make()).Message;
            Assert.Contains($"got {Text(bad)}, wants", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Layers_and_losses_check_their_numbers()
    {
        using var scope = Tensor.Scope();
        var x = Tensor.Ones((2, 3));
        foreach (var bad in (double[])[double.NaN, double.PositiveInfinity, -1])
        {
            Assert.Throws<UsageException>(() => new BatchNorm2d(3, eps: bad));
            Assert.Throws<UsageException>(() => new BatchNorm2d(3, momentum: bad));
            Assert.Throws<UsageException>(() => new LayerNorm(3, bad));
            Assert.Throws<UsageException>(() => x.LayerNorm(Tensor.Ones(3), Tensor.Zeros(3), bad));
            Assert.Throws<UsageException>(() => x.BatchNorm(Tensor.Ones(3), Tensor.Zeros(3), bad));
            Assert.Throws<UsageException>(() => Loss.KlDivergence(x, x, bad));
            Assert.Throws<UsageException>(() => x.Dropout(bad, 1));
            Assert.Throws<UsageException>(() => new Dropout(bad, new RandomSource(1)));
        }
    }

    [Fact]
    public void Every_parameter_of_every_method_refuses_what_makes_no_sense()
    {
        foreach (var method in MethodRegistry.Names.Select(MethodRegistry.Create))
        {
            foreach (var parameter in method.Parameters)
            {
                List<double> values = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, parameter.Minimum - 1];
                if (parameter.Maximum < double.MaxValue)
                    values.Add(parameter.Maximum * 2);
                if (parameter.IsWhole)
                    values.Add(parameter.Minimum + 0.5);
                foreach (var value in values)
                {
                    var options = new UnlearningOptions { Parameters = new Dictionary<string, double> { [parameter.Name] = value } };
                    var e = Assert.Throws<UsageException>(() => MethodParameters.Of(method, options));
                    Assert.Contains(parameter.Name, e.Message, StringComparison.Ordinal);
                }

                Assert.Equal(parameter.Default, MethodParameters.Of(method, new UnlearningOptions { Parameters = new Dictionary<string, double> { [parameter.Name] = parameter.Default } })[parameter.Name]);
            }
        }
    }

    private static IEnumerable<Type> OptionTypes() => Libraries.SelectMany(a => a.GetTypes())
        .Where(t => (t.Name.EndsWith("Options", StringComparison.Ordinal) && t is { IsPublic: true, IsAbstract: false }) || t == typeof(Augmentation));

    private static Type Type(string name) => OptionTypes().Single(t => t.FullName == name);

    private static object Default(Type type) => type == typeof(Augmentation) ? new Augmentation(true, 4)
        // With a swing a momentum of 0 would swing below it.
        : type == typeof(TrainOptions) ? new TrainOptions { MomentumSwing = 0 } : Activator.CreateInstance(type)!;

    private static void Call(MethodInfo validate, object options)
    {
        try
        {
            validate.Invoke(options, null);
        }
        catch (TargetInvocationException e)
        {
            throw e.InnerException!;
        }
    }

    // The value as the type of an option, or null where it has no such value.
    private static object? Convert(Type type, double value)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(double))
            return value;
        if (type == typeof(float))
            return (float)value;
        if (type == typeof(int) || type == typeof(long))
            return !double.IsFinite(value) ? null : type == typeof(int) ? (int)value : (object)(long)value;
        if (type == typeof(IReadOnlyList<double>))
            return new[] { value };
        if (type == typeof(IReadOnlyList<int>))
            return double.IsFinite(value) ? new[] { (int)value } : null;
        return type == typeof(IReadOnlyDictionary<string, double>) && !double.IsFinite(value) ? new Dictionary<string, double> { ["parameters"] = value } : null;
    }

    private static string Text(object value) => value switch
    {
        IDictionary<string, double> map => Text(map.Values.Single()),
        IList list => Text(list[0]!),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    private static IEnumerable<string> Words(string name)
    {
        var start = 0;
        for (var i = 1; i <= name.Length; i++)
        {
            if (i == name.Length || (char.IsUpper(name[i]) && !char.IsUpper(name[i - 1])))
            {
                yield return name[start..i];
                start = i;
            }
        }
    }

    private static void WithModel(Action<Classifier> use)
    {
        using var model = Architectures.Create(new ModelDescription
        {
            Hyperparameters = new AllCnnHyperparameters(0.1),
            Channels = 3,
            ClassNames = SmallImages.Names,
            Normalisation = Normalisation.Half,
        });
        use(model);
    }

    private static ForgetSplit Split() => ForgetSplit.Create(SmallImages.Data(), ForgetRequest.ForClasses(0));

    private static EvaluationData Data() => EscNative.Tests.Metrics.Synthetic.Data(12, 9, 4, 3, 0.3f, 1, 0);

    // Work before the check would report.
    private sealed class Progress : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => Assert.Fail($"{value.Stage} came before the check of the options");
    }
}

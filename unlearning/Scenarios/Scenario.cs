using EscNative.Kernels;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Scenarios;

/// <summary>What is asked of a model in an experiment: the requests of each trial.</summary>
/// <remarks>
/// The first trial of the scenarios by class asks for the paper's classes (4, 14, 24, ...: every tenth), the further ones for classes
/// drawn by their seed: a single choice of classes says little. Classes without training or test images are never asked for.
/// </remarks>
public sealed class Scenario
{
    // One stream an experiment, apart from those of training and of probes.
    private const ulong Stream = 0x5343_454EUL << 32;

    private readonly Func<DataSet, ScenarioTrial, IReadOnlyList<ForgetRequest>> _requests;

    private Scenario(string name, string description, Func<DataSet, ScenarioTrial, IReadOnlyList<ForgetRequest>> requests) =>
        (Name, Description, _requests) = (name, description, requests);

    /// <summary>Its name on the command line.</summary>
    public string Name { get; }

    /// <summary>One sentence.</summary>
    public string Description { get; }

    /// <summary>The names that <see cref="Parse"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["class", "classes", "samples", "subject", "incremental"];

    /// <summary>10 % of the classes, at least one, as one request (paper, section 4.1).</summary>
    public static Scenario ClassWise { get; } = new(
        "class", "10 % of the classes in one request (paper, section 4.1)",
        (data, trial) => [ForgetRequest.ForClasses(trial.Index == 0 ? PaperClasses(data) : DrawClasses(data, PaperClasses(data).Length, trial))]);

    /// <summary>One identity of a data set whose classes are people (the paper's Lacuna-10 setting).</summary>
    public static Scenario OneSubject { get; } = new(
        "subject", "one person of a data set whose classes are people",
        (data, trial) => [ForgetRequest.ForClasses(DrawClasses(data, 1, trial))]);

    /// <summary>Several classes as one request.</summary>
    /// <param name="count">How many.</param>
    /// <exception cref="UsageException">Fewer than two.</exception>
    public static Scenario SeveralClasses(int count = 3) => new(
        "classes", $"{AtLeast(count, 2, "classes")} classes in one request",
        (data, trial) => [ForgetRequest.ForClasses(DrawClasses(data, count, trial))]);

    /// <summary>Training images drawn at random (paper, table 5).</summary>
    /// <param name="percent">Their share of the training images.</param>
    /// <exception cref="UsageException">Not above 0 and below 100.</exception>
    public static Scenario RandomSamples(double percent = 10) => new(
        "samples", percent is > 0 and < 100
            ? FormattableString.Invariant($"{percent} % of the training images, drawn at random (paper, table 5)")
            : throw new UsageException(FormattableString.Invariant($"scenario samples: got {percent} %, wants more than 0 and less than 100")),
        (data, trial) =>
        {
            var count = Math.Max((int)Math.Floor((data.Train.Count * percent / 100) + 1e-9), 1);
            return [ForgetRequest.ForIndices(Draw(data.Train.Count, count, trial))];
        });

    /// <summary>Classes that are asked for one after another; the first is the paper's.</summary>
    /// <param name="count">How many requests.</param>
    /// <exception cref="UsageException">Fewer than two.</exception>
    public static Scenario Incremental(int count = 5) => new(
        "incremental", $"{AtLeast(count, 2, "requests")} requests for a class each, one after another",
        (data, trial) =>
        {
            var classes = DrawClasses(data, count, trial, ordered: false);
            if (trial.Index == 0)
                PutFirst(classes, PaperClasses(data)[0]);
            return [.. classes.Select(c => ForgetRequest.ForClasses(c))];
        });

    /// <summary>Requests that the user names, the same in every trial: one, or several one after another.</summary>
    /// <param name="requests">The requests.</param>
    /// <exception cref="UsageException">None, or two that name the same thing.</exception>
    public static Scenario Given(params IReadOnlyList<ForgetRequest> requests)
    {
        var joint = ForgetRequest.Union(requests);
        return new Scenario("request", requests.Count == 1 ? joint.ToString() : $"{requests.Count} requests one after another: {joint}", (_, _) => requests);
    }

    /// <summary>A scenario by name, with its normal size.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static Scenario Parse(string name) => name switch
    {
        "class" => ClassWise,
        "classes" => SeveralClasses(),
        "samples" => RandomSamples(),
        "subject" => OneSubject,
        "incremental" => Incremental(),
        _ => throw new UsageException($"scenario: got '{name}', wants one of {string.Join(", ", Names)}"),
    };

    /// <summary>The trials of an experiment: equal numbers give equal requests on every machine.</summary>
    /// <param name="data">The data.</param>
    /// <param name="trials">How many.</param>
    /// <param name="seed">The seed of the first trial; the next one's is one more.</param>
    /// <exception cref="UsageException">No trial, or more classes than the data has.</exception>
    public IReadOnlyList<ScenarioTrial> Trials(DataSet data, int trials, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(data);
        AtLeast(trials, 1, "trials");
        return
        [
            .. Enumerable.Range(0, trials)
                .Select(index => new ScenarioTrial(Name, index, seed + (ulong)index, []))
                .Select(trial => trial with { Requests = _requests(data, trial) }),
        ];
    }

    // 4, 14, 24, ...: a tenth of them, at least one; of fewer than five classes the last.
    private static int[] PaperClasses(DataSet data)
    {
        var classes = WithImages(data);
        return [.. Enumerable.Range(0, Math.Max(classes.Length / 10, 1)).Select(i => classes[Math.Min(4 + (10 * i), classes.Length - 1)])];
    }

    private static int[] DrawClasses(DataSet data, int count, ScenarioTrial trial, bool ordered = true)
    {
        var classes = WithImages(data);
        return Array.ConvertAll(Draw(classes.Length, count, trial, ordered), position => classes[position]);
    }

    // A data set may name more classes than it holds images of.
    private static int[] WithImages(DataSet data)
    {
        int[] train = data.Train.CountPerClass(), test = data.Test.CountPerClass();
        int[] classes = [.. Enumerable.Range(0, train.Length).Where(c => train[c] > 0 && test[c] > 0)];
        return classes.Length > 0 ? classes : throw new UsageException($"scenario: no class of {data.Name} has both training and test images");
    }

    private static int[] Draw(int from, int count, ScenarioTrial trial, bool ordered = true)
    {
        CheckRoom(from, count, trial.Scenario);
        var drawn = new RandomSource(trial.Seed, Stream).Permutation(from)[..count];
        if (ordered)
            Array.Sort(drawn);
        return drawn;
    }

    private static void PutFirst(int[] classes, int first)
    {
        // It takes the first one's place; where it was drawn too, that one takes its own.
        if (Array.IndexOf(classes, first) is var at and > 0)
            classes[at] = classes[0];
        classes[0] = first;
    }

    private static void CheckRoom(int from, int count, string scenario)
    {
        if (count >= from)
            throw new UsageException($"scenario {scenario}: {count} of {from} are to be forgotten; nothing would remain");
    }

    private static int AtLeast(int count, int minimum, string what) => count >= minimum
        ? count
        : throw new UsageException($"scenario: got {count} {what}, wants {minimum} or more");
}

/// <summary>One repetition of a scenario.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Index">Its number, from 0.</param>
/// <param name="Seed">The seed of everything random in it.</param>
/// <param name="Requests">What is asked for, one after another.</param>
public sealed record ScenarioTrial(string Scenario, int Index, ulong Seed, IReadOnlyList<ForgetRequest> Requests)
{
    /// <summary>Everything that is asked for, as one request.</summary>
    public ForgetRequest Joint => ForgetRequest.Union(Requests);
}

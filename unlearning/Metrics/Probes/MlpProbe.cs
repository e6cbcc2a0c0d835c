using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>
/// What an attacker with a small network recovers: features standardised, Linear, ReLU, Linear, trained on all training rows
/// with their true labels. It finds classes that no linear score separates any more.
/// </summary>
public static class MlpProbe
{
    private const int ScoredRows = 4096;

    /// <summary>Trains and evaluates the probe, on the CPU.</summary>
    /// <param name="data">Features of the model under test.</param>
    /// <param name="options">How to train; <see cref="MlpProbeOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels between steps; nothing is returned then.</param>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static MlpProbeResult Run(
        EvaluationData data, MlpProbeOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= MlpProbeOptions.Default;
        options.Validate();
        var (train, standardiser) = (data.Train, Standardiser.Of(data.Train));
        var random = new RandomSource(options.Seed);
        using var network = new Sequential(
            new Linear(data.Width, options.Hidden, random, device: Device.Cpu), new Relu(),
            new Linear(options.Hidden, data.Classes, random, device: Device.Cpu));
        using var optimizer = new Sgd(network.Parameters, options.LearningRate, momentum: 0.9, nesterov: true);
        var order = new RandomSource(options.Seed, MetricStreams.MlpProbeOrder);
        var steps = options.Epochs * (((long)train.Rows + options.Batch - 1) / options.Batch);
        var schedule = Schedule.OneCycle(options.LearningRate, steps);
        var loss = 0.0;
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            loss = 0;
            foreach (var rows in order.Permutation(train.Rows).Chunk(options.Batch))
            {
                cancel.ThrowIfCancellationRequested();
                optimizer.LearningRate = schedule(optimizer.Steps);
                loss += Step(network, optimizer, train, standardiser, rows) * rows.Length / train.Rows;
                progress?.Report((double)optimizer.Steps / steps);
            }
        }

        var setting = string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Hidden} hidden units, SGD one-cycle {options.LearningRate}, {options.Epochs} epochs, batch {options.Batch}, standardised");
        return double.IsFinite(loss)
            ? new MlpProbeResult(
                ForgetAccuracies.Of(data, Predict(network, train, standardiser, cancel), Predict(network, data.Test, standardiser, cancel)), setting, loss)
            : new MlpProbeResult(new ForgetAccuracies(null, null, null, null), setting + ": diverged", loss);
    }

    private static double Step(Sequential network, Sgd optimizer, FeatureSplit train, Standardiser standardiser, int[] rows)
    {
        using var scope = Tensor.Scope();
        var labels = Tensor.From(Array.ConvertAll(rows, row => train.Labels[row]), rows.Length, Device.Cpu);
        var loss = Loss.CrossEntropy(network.Forward(Rows(train, standardiser, rows)), labels);
        using var gradients = loss.Backward();
        optimizer.Step(gradients);
        return loss.Item();
    }

    private static int[] Predict(Sequential network, FeatureSplit split, Standardiser standardiser, CancellationToken cancel)
    {
        var predictions = new List<int>(split.Rows);
        foreach (var rows in Enumerable.Range(0, split.Rows).Chunk(ScoredRows))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = Tensor.Scope();
            using var noGrad = Tensor.NoGrad();
            predictions.AddRange(network.Forward(Rows(split, standardiser, rows)).ArgMax().ToArray<int>());
        }

        return [.. predictions];
    }

    // [rows, d], standardised.
    private static Tensor Rows(FeatureSplit split, Standardiser standardiser, int[] rows)
    {
        var values = new float[rows.Length * split.Width];
        for (var i = 0; i < rows.Length; i++)
        {
            var row = split.Row(rows[i]);
            for (var j = 0; j < row.Length; j++)
                values[(i * split.Width) + j] = (float)((row[j] - standardiser.Mean[j]) * standardiser.Scale[j]);
        }

        return Tensor.From(values, (rows.Length, split.Width), Device.Cpu);
    }
}

/// <summary>How the two-layer probe is trained: a fixed recipe, so that its values can be compared.</summary>
public sealed record MlpProbeOptions
{
    /// <summary>The defaults.</summary>
    public static MlpProbeOptions Default { get; } = new();

    /// <summary>Units of the hidden layer.</summary>
    public int Hidden { get; init; } = 128;

    /// <summary>Passes over the training rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Rows of a step.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>The highest learning rate of the one-cycle schedule (SGD, Nesterov momentum 0.9).</summary>
    public double LearningRate { get; init; } = 0.05;

    /// <summary>Seed of the starting values and of the order of rows.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "MLP probe";
        UsageException.RequireCount(operation, "hidden units", Hidden);
        UsageException.RequireCount(operation, "epochs", Epochs);
        UsageException.RequireCount(operation, "batch", Batch);
        UsageException.RequirePositive(operation, "learning rate", LearningRate);
    }
}

/// <summary>What a two-layer network recovers from the features.</summary>
/// <param name="Accuracies">The paper's four accuracies of the probe; all null if training diverged.</param>
/// <param name="Setting">How it was trained, for people.</param>
/// <param name="Loss">The mean cross-entropy over the last epoch.</param>
public sealed record MlpProbeResult(ForgetAccuracies Accuracies, string Setting, double Loss);

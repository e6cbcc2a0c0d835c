using System.Diagnostics;
using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>Trains a classifier. Equal seeds give equal bits, for any number of threads and across interruptions.</summary>
/// <param name="model">The model; changed in place, in evaluation mode afterwards.</param>
/// <param name="data">Training images, and test images to report on after each epoch (may be empty).</param>
/// <param name="options">The recipe.</param>
/// <exception cref="UsageException">The recipe is impossible.</exception>
public sealed class Trainer(Classifier model, DataSet data, TrainOptions options)
{
    private readonly List<EpochRecord> _history = [];

    /// <summary>The epochs done, those before a resumption included.</summary>
    public IReadOnlyList<EpochRecord> History => _history;

    /// <summary>Trains to the end of the recipe.</summary>
    /// <param name="progress">Told after each step, or null.</param>
    /// <param name="cancel">Stops after the step in hand. The model keeps the values of that step; the checkpoint, if there is one,
    /// those of the last whole epoch.</param>
    /// <returns>The epochs done.</returns>
    /// <exception cref="EscException">The loss is no finite number: the message names the step.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<EpochRecord> Run(IProgress<TrainProgress>? progress = null, CancellationToken cancel = default)
    {
        options.Validate();
        if (data.Train.Count < 2)
            throw new EscException(ErrorCode.BadInput, $"train: {data.Train.Name} has {data.Train.Count} images, wants 2 or more");
        if (model.Erasure is not null)
            throw new UsageException("train: the model has an erasure; training would work around it. Train the original model");
        var loader = new BatchLoader(data.Train, model.Description.Normalisation, new BatchOptions
        {
            BatchSize = options.BatchSize,
            Shuffle = true,
            Augmentation = options.Augmentation,
            Seed = options.Seed,
            Device = model.Device,
            // A last batch of one image has no variance to normalise with.
            DropLast = data.Train.Count % options.BatchSize == 1,
        });
        var steps = (long)options.Epochs * loader.Batches;
        var schedule = Schedule.OneCycle(options.LearningRate, steps);
        var momentum = Schedule.OneCycleMomentum(options.Momentum + options.MomentumSwing, options.Momentum - options.MomentumSwing, steps);
        using var optimizer = new Sgd(
            model.Parameters, schedule(0), options.Momentum, options.WeightDecay, nesterov: options.Momentum > 0);
        var checkpoint = options.CheckpointPath is null ? null : new TrainingState(
            new RunCheckpoint(options.CheckpointPath, "training", "a training run", Identity()), model, optimizer);
        if (options.Resume)
            _history.AddRange(checkpoint!.Load(options.Epochs, loader.Batches));
        var end = options.StopAfter > 0 ? options.StopAfter : options.Epochs;
        for (var epoch = _history.Count; epoch < end; epoch++)
        {
            _history.Add(Epoch(epoch, loader, optimizer, step => (schedule(step), momentum(step)), progress, cancel));
            checkpoint?.Save(_history);
        }

        model.Training = false;
        model.Description = model.Description with { Data = data.Record };
        return _history;
    }

    private EpochRecord Epoch(
        int epoch, BatchLoader loader, Sgd optimizer, Func<long, (double Rate, double Momentum)> schedule, IProgress<TrainProgress>? progress, CancellationToken cancel)
    {
        using var span = Telemetry.Epoch("train", epoch);
        var started = Stopwatch.GetTimestamp();
        model.Training = true;
        double lossSum = 0;
        long correct = 0, seen = 0;
        var step = 0;
        try
        {
            foreach (var batch in loader.Epoch(epoch))
            {
                cancel.ThrowIfCancellationRequested();
                var (loss, hits) = Step(batch, optimizer, schedule(optimizer.Steps));
                if (!double.IsFinite(loss))
                    throw new EscException(ErrorCode.BadInput, $"train: the loss is {loss} at step {step} of epoch {epoch}: use a smaller learning rate than {options.LearningRate}");
                lossSum += loss * batch.Count;
                correct += hits;
                seen += batch.Count;
                step++;
                progress?.Report(new TrainProgress(epoch, options.Epochs, step, loader.Batches, lossSum / seen, 100.0 * correct / seen));
            }
        }
        finally
        {
            model.Training = false;
        }

        var test = data.Test.Count > 0 ? FeatureBank.Extract(model, data.Test, cancel: cancel).Accuracy : double.NaN;
        return new EpochRecord(epoch, lossSum / seen, 100.0 * correct / seen, test, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private (double Loss, long Correct) Step(Batch batch, Sgd optimizer, (double Rate, double Momentum) schedule)
    {
        using var scope = Tensor.Scope();
        var logits = model.Forward(batch.Images);
        var loss = Loss.CrossEntropy(logits, batch.Labels);
        using var gradients = loss.Backward();
        (optimizer.LearningRate, optimizer.Momentum) = schedule;
        optimizer.Step(gradients);
        var (predicted, labels) = (logits.ArgMax().ToArray<int>(), batch.Labels.ToArray<int>());
        return (loss.Item(), predicted.Zip(labels).LongCount(p => p.First == p.Second));
    }

    /// <summary>What must be equal for a checkpoint to be of this run. The model's values are not: all of them come from the checkpoint.</summary>
    private RunIdentity Identity()
    {
        var d = model.Description;
        return new RunIdentity(model.Device)
            .Add("epochs", options.Epochs).Add("batch", options.BatchSize).Add("learning-rate", options.LearningRate)
            .Add("momentum", options.Momentum).Add("momentum-swing", options.MomentumSwing).Add("weight-decay", options.WeightDecay)
            .Add("flip", options.Flip ? 1 : 0).Add("crop", options.CropPadding).Add("resized-crop", options.ResizedCrop?.ToString() ?? "none").Add("seed", options.Seed.ToString(System.Globalization.CultureInfo.InvariantCulture))
            .Add("training images", data.Train).Add("test images", data.Test)
            .AddDescription(d);
    }
}

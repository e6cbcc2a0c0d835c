using System.Diagnostics;
using System.Globalization;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Training;

/// <summary>Runs a <see cref="TrainingTask"/> epoch by epoch, with checkpoints, and falls back to the last sound epoch where it diverges.</summary>
internal sealed class TrainingRun(TrainingMethod method, UnlearningContext context, TrainingSetup setup, TrainingTask task) : IDisposable
{
    // No loss of these methods comes near it while its gradients still mean something in float32.
    private const double LargestLoss = 1e6;
    private const int ProbeImages = 16;

    private readonly Classifier _model = context.Model;
    private readonly List<Classifier> _epochs = [];
    private Classifier? _sound;
    private string? _stopped;

    /// <summary>Wall seconds of the runs that this one goes on from.</summary>
    public double EarlierSeconds { get; private set; }

    public (UnlearningOutcome Outcome, long Steps, IReadOnlyList<string> Notes) Run()
    {
        var checkpoint = context.CheckpointPath is null ? null : new MethodState(method, context, setup, task, _epochs);
        var (first, started) = (0, Stopwatch.GetTimestamp());
        if (context.Resume)
        {
            (first, EarlierSeconds) = checkpoint!.Load();
            KeepSound();
        }

        var notes = new List<string>();
        for (var epoch = first; epoch < task.Epochs && _stopped is null; epoch++)
        {
            if (Epoch(epoch) is { } reason)
            {
                _model.Assign(_sound ?? setup.Original);
                var kept = epoch == 0 ? "as it was given" : $"that of epoch {epoch}";
                notes.Add($"diverged: {reason}; the model is {kept}. A smaller learning rate may help");
                return (UnlearningOutcome.Diverged, task.Optimizer.Steps, [.. notes, .. task.Notes?.Invoke() ?? []]);
            }

            KeepSound();
            if (task.Choose is not null)
                _epochs.Add(_model.Copy());
            // An epoch that was stopped half-way is done again by a resumed run, which stops it at the same step.
            if (_stopped is null)
            {
                using (context.Stage("checkpoint"))
                    checkpoint?.Save(epoch + 1, EarlierSeconds + Stopwatch.GetElapsedTime(started).TotalSeconds);
            }
        }

        if (_stopped is not null)
            notes.Add(_stopped);
        if (task.Choose is not null)
        {
            using (context.Stage("choose"))
                _model.Assign(_epochs[task.Choose(_epochs)]);
        }

        return (UnlearningOutcome.Completed, task.Optimizer.Steps, [.. notes, .. task.Notes?.Invoke() ?? []]);
    }

    public void Dispose()
    {
        _sound?.Dispose();
        foreach (var model in _epochs)
            model.Dispose();
    }

    /// <summary>Why the epoch diverged, or null.</summary>
    private string? Epoch(int epoch)
    {
        using var span = Telemetry.Epoch(method.Name, epoch);
        if (task.LearningRate is not null)
            task.Optimizer.LearningRate = task.LearningRate(epoch);
        _model.Training = task.BatchStatistics;
        var passes = task.Passes(epoch);
        var (stage, total, done) = ($"epoch {epoch + 1} of {task.Epochs}", passes.Sum(p => (long)p.Steps), 0L);
        foreach (var pass in passes)
        {
            using var losses = pass.Losses.GetEnumerator();
            while (_stopped is null && Next(losses))
            {
                double loss;
                using (context.Stage("step"))
                    loss = Step(losses.Current);
                if (!(Math.Abs(loss) <= LargestLoss))
                    return string.Create(CultureInfo.InvariantCulture, $"the loss was {loss:G6} at step {task.Optimizer.Steps}, in epoch {epoch + 1} of {task.Epochs}");
                setup.Report(stage, ++done, total);
                if (task.Stop?.Invoke() is { } why)
                    _stopped = $"stopped after step {task.Optimizer.Steps}, in epoch {epoch + 1} of {task.Epochs}: {why}";
            }
        }

        _model.Training = false;
        using (context.Stage("check"))
            return Unsound() is { } what ? $"{what} after epoch {epoch + 1} of {task.Epochs} (step {task.Optimizer.Steps})" : null;
    }

    private bool Next(IEnumerator<Func<Tensor>> losses)
    {
        setup.Cancel.ThrowIfCancellationRequested();
        using (context.Stage("load"))
            return losses.MoveNext();
    }

    private double Step(Func<Tensor> lossOf)
    {
        using var scope = Tensor.Scope();
        var loss = lossOf();
        using var gradients = loss.Backward();
        task.BeforeStep?.Invoke(gradients);
        task.Optimizer.Step(gradients);
        return loss.Item();
    }

    /// <summary>
    /// What about the model is not finite, or null. In training mode batch normalisation hides weights of any size, so scores are looked
    /// at in evaluation mode too.
    /// </summary>
    private string? Unsound()
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        foreach (var (name, values) in _model.NamedParameters.Select(p => (p.Name, p.Parameter.Value)).Concat(_model.NamedBuffers))
        {
            if (!AllFinite(values))
                return $"{name} held values that are not finite";
        }

        var probe = context.Forget.Subset([.. Enumerable.Range(0, Math.Min(ProbeImages, context.Forget.Count))], "probe");
        var loader = new BatchLoader(probe, _model.Description.Normalisation, new BatchOptions { BatchSize = ProbeImages, Device = _model.Device });
        foreach (var batch in loader.Epoch())
        {
            foreach (var score in _model.Forward(batch.Images).ToArray())
            {
                if (!(Math.Abs(score) <= LargestLoss))
                    return string.Create(CultureInfo.InvariantCulture, $"a class score was {score:G6} in evaluation mode");
            }
        }

        return null;
    }

    private static bool AllFinite(Tensor values) => Array.TrueForAll(values.ToArray(), float.IsFinite);

    private void KeepSound()
    {
        if (_sound is null)
            _sound = _model.Copy();
        else
            _sound.Assign(_model);
    }
}

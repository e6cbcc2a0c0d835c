using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Models;

namespace EscNative.Unlearning;

/// <summary>A copy of a model's batch-norm statistics, to put back when a request in training mode is cancelled.</summary>
internal sealed class RunningStatistics : IDisposable
{
    private readonly List<(Tensor Mean, Tensor Variance, long Batches)> _saved = [];

    private RunningStatistics()
    {
    }

    public static RunningStatistics Of(Classifier model)
    {
        var copy = new RunningStatistics();
        foreach (var norm in Norms(model))
            copy._saved.Add((norm.RunningMean.Clone().Persist(), norm.RunningVariance.Clone().Persist(), norm.BatchesTracked));
        return copy;
    }

    public void Restore(Classifier model)
    {
        foreach (var (norm, saved) in Norms(model).Zip(_saved))
        {
            norm.RunningMean.Assign(saved.Mean);
            norm.RunningVariance.Assign(saved.Variance);
            norm.BatchesTracked = saved.Batches;
        }
    }

    public void Dispose()
    {
        foreach (var (mean, variance, _) in _saved)
        {
            mean.Dispose();
            variance.Dispose();
        }
    }

    private static IEnumerable<BatchNorm2d> Norms(Classifier model) =>
        model.NamedModules.Select(m => m.Module).OfType<BatchNorm2d>();
}

using EscNative.Engine;
using EscNative.Models;

namespace EscNative.Unlearning;

/// <summary>A copy of what a model keeps beside its parameters (batch-norm statistics), to put back when a request in training mode is cancelled.</summary>
internal sealed class RunningStatistics : IDisposable
{
    private readonly List<Tensor> _buffers = [];
    private readonly List<long> _counters = [];

    private RunningStatistics()
    {
    }

    public static RunningStatistics Of(Classifier model)
    {
        var copy = new RunningStatistics();
        foreach (var (_, buffer) in model.NamedBuffers)
            copy._buffers.Add(buffer.Clone().Persist());
        copy._counters.AddRange(model.NamedCounters.Select(c => c.Counter.Value));
        return copy;
    }

    public void Restore(Classifier model)
    {
        foreach (var ((_, buffer), saved) in model.NamedBuffers.Zip(_buffers))
            buffer.Assign(saved);
        foreach (var ((_, counter), saved) in model.NamedCounters.Zip(_counters))
            counter.Value = saved;
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers)
            buffer.Dispose();
    }
}

using EscNative.Engine;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Training;

/// <summary>Some steps of an epoch, one after another: usually one for each batch of a set.</summary>
/// <param name="Steps">How many there are.</param>
/// <param name="Losses">
/// The loss of each step, computed when it is called; enumerating loads the step's data, which may be disposed when the next is asked for.
/// </param>
public sealed record TrainingPass(int Steps, IEnumerable<Func<Tensor>> Losses)
{
    /// <summary>A step for each batch of a loader's epoch.</summary>
    /// <param name="loader">The batches.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="loss">What a batch costs: a scalar.</param>
    public static TrainingPass Over(BatchLoader loader, int epoch, Func<Batch, Tensor> loss)
    {
        ArgumentNullException.ThrowIfNull(loader);
        ArgumentNullException.ThrowIfNull(loss);
        return new TrainingPass(loader.Batches, Each());

        IEnumerable<Func<Tensor>> Each()
        {
            foreach (var batch in loader.Epoch(epoch))
                yield return () => loss(batch);
        }
    }
}

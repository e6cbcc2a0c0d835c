using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Training;

/// <summary>What a method trains on what: the part of a run that differs from method to method.</summary>
/// <param name="optimizer">Changes what is trained; owned by the setup.</param>
/// <param name="epochs">How many epochs there are.</param>
/// <param name="passes">
/// The passes of an epoch (from 0), asked for once at its start, with the optimizer and the model as the last epoch left them. They must
/// be a function of the epoch's number and of what <see cref="TrainingMethod.Prepare"/> made, so that a run can be taken up anywhere.
/// </param>
public sealed class TrainingTask(Optimizer optimizer, int epochs, Func<int, IReadOnlyList<TrainingPass>> passes)
{
    /// <summary>Changes what is trained.</summary>
    public Optimizer Optimizer { get; } = optimizer;

    /// <summary>How many epochs there are.</summary>
    public int Epochs { get; } = epochs;

    /// <summary>The passes of an epoch.</summary>
    public Func<int, IReadOnlyList<TrainingPass>> Passes { get; } = passes;

    /// <summary>The learning rate of an epoch, or null for the optimizer's.</summary>
    public Func<int, double>? LearningRate { get; init; }

    /// <summary>Whether the model trains in training mode, where batch normalisation uses the batch's statistics; else in evaluation mode.</summary>
    public bool BatchStatistics { get; init; } = true;

    /// <summary>Changes the gradients before they reach the optimizer, or null.</summary>
    public Action<Gradients>? BeforeStep { get; init; }

    /// <summary>Asked after each step why to end here; null goes on. The answer becomes a note.</summary>
    public Func<string?>? Stop { get; init; }

    /// <summary>
    /// Chooses among the models after each epoch (evaluation mode, in order) the one to end with, by its index; null for the last. With it
    /// all of them are kept in memory, and in the checkpoint.
    /// </summary>
    public Func<IReadOnlyList<Classifier>, int>? Choose { get; init; }

    /// <summary>Whole numbers that the losses count up in, kept in the checkpoint.</summary>
    public long[] Counters { get; init; } = [];

    /// <summary>What a reader of the result must know, asked for at the end; or null.</summary>
    public Func<IEnumerable<string>>? Notes { get; init; }
}

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

using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Training;

/// <summary>What a <see cref="TrainingMethod"/> prepares a run from: the model, the data that it declared, and its parameters.</summary>
public sealed class TrainingSetup : IDisposable
{
    private readonly TrainingMethod _method;
    private readonly UnlearningContext _context;
    private readonly IProgress<StageProgress>? _progress;
    private readonly Stack<IDisposable> _owned = new();

    internal TrainingSetup(
        TrainingMethod method, UnlearningContext context, MethodParameters parameters, IProgress<StageProgress>? progress, CancellationToken cancel)
    {
        (_method, _context, _progress) = (method, context, progress);
        Parameters = parameters;
        Cancel = cancel;
        Original = Own(Model.Copy());
        Original.Freeze();
        Original.Training = false;
    }

    /// <summary>The model that is trained.</summary>
    public Classifier Model => _context.Model;

    /// <summary>The model as it was given, constant and in evaluation mode: a teacher. Not to be changed.</summary>
    public Classifier Original { get; }

    /// <summary>The parameters' values.</summary>
    public MethodParameters Parameters { get; }

    /// <summary>The value of <c>epochs</c>.</summary>
    public int Epochs => Parameters.Whole("epochs");

    /// <summary>D_f.</summary>
    public ImageSet Forget => _context.Forget;

    /// <summary>D_r.</summary>
    /// <exception cref="EscException">The method declared that it uses D_f only.</exception>
    public ImageSet Remain => _method.DataUse == DataUse.ForgetAndRemain
        ? _context.Remain
        : throw new EscException(ErrorCode.Internal, $"{_method.Name}: declared that it uses the forgetting data only, and asked for the remaining data");

    /// <summary>Unseen images of the forgotten classes, or null.</summary>
    public ImageSet? HeldOut => _context.HeldOut;

    /// <summary>The seed of everything random.</summary>
    public ulong Seed => _context.Options.Seed;

    /// <summary>Cancels between batches.</summary>
    public CancellationToken Cancel { get; }

    /// <summary>Random numbers of a purpose, different in every epoch.</summary>
    /// <param name="purpose">One of <see cref="TrainingStreams"/>, or a number of the method's own from 16 to 255.</param>
    /// <param name="epoch">The epoch, from 0; or 0 for what is drawn once.</param>
    public RandomSource Random(ulong purpose, int epoch = 0) => new(Seed, TrainingStreams.Of(purpose, epoch));

    /// <summary>Shuffled batches, mirrored at random where the parameter <c>flip</c> says so.</summary>
    /// <param name="images">The images.</param>
    /// <param name="purpose">Whose random numbers they take: see <see cref="Random"/>.</param>
    /// <param name="batch">The parameter that has the number of images in a batch.</param>
    public BatchLoader Loader(ImageSet images, ulong purpose, string batch = "batch")
    {
        var random = Random(purpose);
        return new BatchLoader(images, Model.Description.Normalisation, new BatchOptions
        {
            BatchSize = Parameters.Whole(batch),
            Shuffle = true,
            Augmentation = Parameters.Values.TryGetValue("flip", out var flip) && flip != 0 ? Augmentation.Flip : Augmentation.None,
            Seed = ((ulong)random.NextBits() << 32) | random.NextBits(),
            Device = Model.Device,
        });
    }

    /// <summary>SGD with the parameters <c>learning-rate</c>, <c>momentum</c> and <c>weight-decay</c>.</summary>
    /// <param name="trained">What is trained; by default everything.</param>
    public Sgd Sgd(IEnumerable<Parameter>? trained = null) => Own(new Sgd(
        trained ?? Model.Parameters, Parameters["learning-rate"], Parameters["momentum"], Parameters["weight-decay"]));

    /// <summary>Adam with the parameter <c>learning-rate</c>.</summary>
    /// <param name="trained">What is trained; by default everything.</param>
    public Adam Adam(IEnumerable<Parameter>? trained = null) => Own(new Adam(trained ?? Model.Parameters, Parameters["learning-rate"]));

    /// <summary>The mean cross-entropy of the model on a batch with its own labels.</summary>
    public Tensor CrossEntropy(Batch batch) => Loss.CrossEntropy(Model.Forward(batch.Images), batch.Labels);

    /// <summary>The mean cross-entropy of the model on a batch with other labels.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="labels">A label for each image of the set that the batch is from.</param>
    public Tensor CrossEntropy(Batch batch, int[] labels)
    {
        var chosen = new int[batch.Count];
        for (var i = 0; i < chosen.Length; i++)
            chosen[i] = labels[batch.Indices[i]];
        using var scope = Tensor.Scope();
        return scope.Keep(Loss.CrossEntropy(Model.Forward(batch.Images), Tensor.From(chosen, chosen.Length, Model.Device)));
    }

    /// <summary>Tells how far a stage is.</summary>
    public void Report(string stage, long done, long total) => _progress?.Report(new StageProgress(stage, done, total));

    /// <summary>Has something disposed when the run is over.</summary>
    /// <returns>The same object.</returns>
    public T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    /// <summary>Disposes what the run owned.</summary>
    public void Dispose()
    {
        while (_owned.TryPop(out var owned))
            owned.Dispose();
    }
}

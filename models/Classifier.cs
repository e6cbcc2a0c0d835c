using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Models.Data;
using EscNative.Models.Erasure;

namespace EscNative.Models;

/// <summary>Images to features, through the erasure if there is one, to class scores.</summary>
/// <remarks>
/// <see cref="Features"/> and <see cref="Forward"/> pass through the erasure whenever one is set, and no member of this class's own gives the raw
/// feature; its child modules (<see cref="Module.Children"/>) are the unerased network. That protects what the model puts out, not the file:
/// whoever holds the weights can take the erasure out again. A network of one's own becomes a classifier through the constructor; that its copies and files can be made too, it needs
/// an <see cref="IArchitecture"/>.
/// </remarks>
public sealed class Classifier : Module
{
    private readonly Module _extractor;
    private ErasureLayer? _erasure;
    private long _forwardedImages;

    /// <summary>A classifier of an extractor and a head, which it now owns.</summary>
    /// <param name="description">What it is: as many class names as the head has scores. Where it is to be copied, as methods that train do,
    /// or loaded from a file, its architecture is a registered one, and makes the same extractor and head.</param>
    /// <param name="extractor">Normalised images [n, h, w, c] to features [n, d]; for plans it says how it is lowered. Its names in files begin
    /// with <c>features.</c>.</param>
    /// <param name="head">Features [n, d] to class scores [n, classes], on the extractor's device. Its names in files begin with <c>head.0.</c>.</param>
    /// <exception cref="ShapeException">The head has another number of classes than the description.</exception>
    /// <exception cref="UsageException">There are fewer than two classes, or extractor and head live on different devices.</exception>
    public Classifier(ModelDescription description, Module extractor, Linear head)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(extractor);
        ArgumentNullException.ThrowIfNull(head);
        CheckClasses(description);
        if (head.Weight.Shape[0] != description.ClassNames.Count)
            throw new ShapeException($"model: got a head of {head.Weight.Shape} for {description.ClassNames.Count} class names, wants [{description.ClassNames.Count}, d]");
        if (extractor.Parameters.FirstOrDefault(p => p.Value.Device != head.Weight.Value.Device) is { } elsewhere)
            throw new UsageException($"model: got an extractor on {elsewhere.Value.Device} and a head on {head.Weight.Value.Device}, wants both on one device");
        Description = description;
        _extractor = AddModule("features", extractor);
        Head = AddModule("head.0", head);
        FeatureWidth = head.Weight.Shape[1];
    }

    /// <summary>What the model is: architecture, classes, input, normalisation.</summary>
    public ModelDescription Description { get; internal set; }

    /// <summary>What the model was made to forget, in order; its file keeps it.</summary>
    public IReadOnlyList<ForgetRecord> Forgotten { get; internal set; } = [];

    /// <summary>The last layer: features [n, d] to class scores [n, classes].</summary>
    public Linear Head { get; }

    /// <summary>d, the number of features.</summary>
    public int FeatureWidth { get; }

    /// <summary>How many classes there are.</summary>
    public int Classes => Head.Weight.Shape[0];

    /// <summary>Where the model's parameters live.</summary>
    public Device Device => Head.Weight.Value.Device;

    /// <summary>What was erased, or null.</summary>
    public ErasureOperator? Erasure => _erasure?.Operator;

    /// <summary>Images that went through the extractor of this very object: by <see cref="Features"/>, <see cref="Forward"/> and feature passes.</summary>
    /// <remarks>A copy begins at 0. What a plan of one's own runs (<see cref="CompiledExtractor"/>) is not counted.</remarks>
    public long ForwardedImages => Interlocked.Read(ref _forwardedImages);

    /// <summary>The extractor, for optimizers and for tests: what it gives is not erased.</summary>
    internal Module Extractor => _extractor;

    /// <summary>Normalised images [n, h, w, c] to features [n, d], erased where an erasure is set.</summary>
    public Tensor Features(Tensor images)
    {
        using var scope = Tensor.Scope();
        var features = _extractor.Forward(images);
        if (features.Shape.Rank != 2 || features.Shape[1] != FeatureWidth)
            throw new ShapeException($"features: the extractor gives {features.Shape} for images {images.Shape}, the head wants [n, {FeatureWidth}]");
        CountForwarded(images.Shape[0]);
        return scope.Keep(_erasure is null ? features : _erasure.Forward(features));
    }

    /// <summary>Adds to <see cref="ForwardedImages"/> what a plan of this model ran.</summary>
    internal void CountForwarded(int images) => Interlocked.Add(ref _forwardedImages, images);

    /// <summary>Normalised images [n, h, w, c] to class scores [n, classes].</summary>
    public override Tensor Forward(Tensor x)
    {
        using var scope = Tensor.Scope();
        return scope.Keep(Head.Forward(Features(x)));
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x) => Head.Lower(plan, LowerFeatures(plan, x));

    /// <summary>Describes <see cref="Features"/> to a plan: the erasure is part of it.</summary>
    internal PlanValue LowerFeatures(PlanBuilder plan, PlanValue x)
    {
        var features = _extractor.Lower(plan, x);
        if (features.Shape.Rank != 1 || features.Shape[0] != FeatureWidth)
            throw new ShapeException($"plan: the extractor gives {features.Shape} for an image {x.Shape}, the head wants [{FeatureWidth}]");
        return _erasure is null ? features : _erasure.Lower(plan, features);
    }

    /// <summary>Erases on top of what was erased before.</summary>
    /// <exception cref="ShapeException">The operator's width is not the model's.</exception>
    public void Erase(ErasureOperator erasure)
    {
        if (erasure.Width != FeatureWidth)
            throw new ShapeException($"erase: got an operator of width {erasure.Width}, the model has {FeatureWidth} features");
        SetErasure(_erasure is null ? erasure : _erasure.Operator.Then(erasure));
    }

    /// <summary>Adds a request that the model has answered to <see cref="Forgotten"/>.</summary>
    public void Remember(ForgetRecord request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Forgotten = [.. Forgotten, request];
    }

    /// <summary>An independent model on the same device with equal values, running statistics, erasure and mode.</summary>
    /// <exception cref="UsageException">Its architecture is none that <see cref="Architectures"/> knows.</exception>
    public Classifier Copy()
    {
        var copy = Architectures.Create(Description, device: Device);
        try
        {
            copy.Assign(this);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>Takes over the values, running statistics, erasure, record and mode of another model of the same architecture and size.</summary>
    /// <param name="source">The other model; on any device.</param>
    /// <exception cref="ShapeException">Its tensors have other shapes; this model is unchanged then.</exception>
    /// <exception cref="DeviceOutOfMemoryException">The device has no room for them; this model is unchanged then.</exception>
    public void Assign(Classifier source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!source.Parameters.Select(p => p.Shape).SequenceEqual(Parameters.Select(p => p.Shape)))
            throw new ShapeException($"assign: got an {source.Description.Architecture} with {source.ParameterCount} parameters, wants one of the shapes of this {Description.Architecture} with {ParameterCount}");
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        // All that can fail comes first: then this model is whole, the old or the new one.
        var pairs = source.NamedParameters.Zip(NamedParameters, (from, to) => (From: from.Parameter.Value, To: to.Parameter.Value))
            .Concat(source.NamedBuffers.Zip(NamedBuffers, (from, to) => (From: from.Buffer, To: to.Buffer)))
            .Select(pair => (From: pair.From.To(Device), pair.To)).ToArray();
        SetErasure(source.Erasure);
        foreach (var (from, to) in pairs)
            to.Assign(from);
        foreach (var (from, to) in source.NamedCounters.Zip(NamedCounters))
            to.Counter.Value = from.Counter.Value;
        Forgotten = source.Forgotten;
        Training = source.Training;
    }

    /// <summary>Replaces the erasure; whatever makes it impossible, the model keeps the one that it has.</summary>
    internal void SetErasure(ErasureOperator? erasure)
    {
        ObjectDisposedException.ThrowIf(Head.Weight.Value.IsDisposed, this);
        if (erasure is not null && erasure.Width != FeatureWidth)
            throw new ShapeException($"erase: got an operator of width {erasure.Width}, the model has {FeatureWidth} features");
        var layer = erasure is null ? null : new ErasureLayer(erasure, Device);
        _erasure?.Dispose();
        _erasure = layer;
    }

    /// <summary>A classifier tells two classes or more apart.</summary>
    internal static void CheckClasses(ModelDescription description)
    {
        if (description.ClassNames.Count < 2)
            throw new UsageException($"model: got {description.ClassNames.Count} classes, wants 2 or more");
    }

    /// <inheritdoc/>
    protected override void DisposeOwn() => _erasure?.Dispose();
}

using System.Diagnostics.CodeAnalysis;
using EscNative.Kernels;

namespace EscNative.Engine;

/// <summary>An n-dimensional array on a device: a view of shared, reference-counted memory, and a node of the gradient graph.</summary>
/// <remarks>
/// Operations never change their operands. Dispose tensors, or make them inside <see cref="Scope"/>. A tensor may be read from
/// several threads at once, each of which records a graph and runs it backward: so threads share parameters. They may share a
/// graph too, if every backward pass keeps it.
/// </remarks>
public sealed partial class Tensor : IDisposable
{
    private Storage? _storage;
    private Node? _node;

    internal Tensor(Device device, DType type, Shape shape, Strides strides, long offset, Storage storage, bool scoped = true)
    {
        Device = device;
        DType = type;
        Shape = shape;
        Strides = strides;
        Offset = offset;
        _storage = storage;
        device.Backend.Pool.CountTensor(1);
        if (scoped)
            TensorScope.Current?.Add(this);
    }

    /// <summary>The extents, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>The type of the values.</summary>
    public DType DType { get; }

    /// <summary>Where the values lie.</summary>
    public Device Device { get; }

    /// <summary>The number of values.</summary>
    public long Count => Shape.Count;

    /// <summary>Whether the values lie one after another in row-major order.</summary>
    public bool IsContiguous => Strides.AreContiguous(Shape);

    /// <summary>Whether a backward pass reaches this tensor.</summary>
    public bool RequiresGradient => Node is not null;

    /// <summary>Whether it was disposed.</summary>
    public bool IsDisposed => _storage is null;

    internal Strides Strides { get; }

    internal long Offset { get; }

    /// <summary>What made this tensor, where a gradient is wanted; this tensor holds a reference to it.</summary>
    internal Node? Node => _node;

    /// <summary>The scope that disposes this tensor.</summary>
    internal TensorScope.List? Owner { get; set; }

    internal Backend Backend => Device.Backend;

    internal Storage Storage => _storage ?? throw Disposed();

    /// <summary>The address of the first value, for a kernel; only within a <see cref="KernelCall"/>, which holds the memory.</summary>
    internal nint Pointer
    {
        get
        {
            var storage = Storage;
            // Who uses what another thread computed is told of its faults.
            if (storage.Faults.IsOpen)
                ((CudaBackend)Backend).Context.Use(storage.Faults);
            return storage.Pointer + (nint)(Offset * DType.Size());
        }
    }

    /// <summary>Begins a scope: <c>using var scope = Tensor.Scope();</c></summary>
    public static TensorScope Scope() => TensorScope.Begin();

    /// <summary>Stops recording for backward passes: <c>using var noGrad = Tensor.NoGrad();</c></summary>
    public static NoGradScope NoGrad() => NoGradScope.Begin();

    /// <summary>Makes this tensor a leaf whose gradient can be asked for: a parameter, or an input under attack.</summary>
    /// <returns>This tensor.</returns>
    /// <exception cref="DTypeException">The values are integers.</exception>
    public Tensor RequireGradient()
    {
        CheckLive();
        if (!DType.IsFloat())
            throw new DTypeException($"RequireGradient: got {DType}, wants a floating type");
        // Threads that share a parameter may all ask for it: they get one leaf.
        if (_node is null)
            Interlocked.CompareExchange(ref _node, new LeafNode(Shape), null);
        return this;
    }

    /// <summary>Takes this tensor out of its scope: the caller disposes it.</summary>
    /// <returns>This tensor.</returns>
    public Tensor Persist()
    {
        Owner = null;
        return this;
    }

    /// <summary>The same values without the gradient graph; no copy.</summary>
    public Tensor Detach() => View(Shape, Strides, Offset);

    /// <summary>Undoes <see cref="RequireGradient"/>: results computed from now on do not lead back here.</summary>
    internal void StopGradient()
    {
        _node?.Release();
        _node = null;
    }

    /// <summary>Gives up this view of the memory; the memory goes back with its last view.</summary>
    public void Dispose()
    {
        // Of several threads one.
        if (Interlocked.Exchange(ref _storage, null) is not { } storage)
            return;
        storage.Release();
        Device.Backend.Pool.CountTensor(-1);
        _node?.Release();
        _node = null;
    }

    /// <inheritdoc/>
    public override string ToString() => IsDisposed ? $"{DType} {Shape} (disposed)" : $"{DType} {Shape} on {Device}";

    internal static Tensor Allocate(Device device, DType type, Shape shape, string operation)
    {
        var storage = new Storage(device.Backend.Pool, Math.Max(shape.Count * type.Size(), 1), operation);
        return new Tensor(device, type, shape, Strides.Contiguous(shape), 0, storage);
    }

    internal Tensor AllocateLike(string operation) => Allocate(Device, DType, Shape, operation);

    internal Tensor Allocate(Shape shape, string operation) => Allocate(Device, DType, shape, operation);

    /// <exception cref="ObjectDisposedException">This tensor was disposed.</exception>
    [MemberNotNull(nameof(_storage))]
    internal void CheckLive()
    {
        if (_storage is null)
            throw Disposed();
    }

    private ObjectDisposedException Disposed() => new(nameof(Tensor), $"tensor {Shape} was disposed");

    /// <summary>Another view of the same memory, outside the gradient graph.</summary>
    internal Tensor View(Shape shape, Strides strides, long offset, bool scoped = true)
    {
        var storage = Storage;
        storage.AddReference();
        return new Tensor(Device, DType, shape, strides, offset, storage, scoped);
    }

    /// <summary>A second tensor for the same values and the same place in the graph, disposed on its own.</summary>
    internal Tensor Share()
    {
        var y = View(Shape, Strides, Offset);
        if (Node.Wanted(this))
            y.SetNode(Node!.Share());
        return y;
    }

    /// <summary>Whether some place in memory may belong to this and to <paramref name="other"/>; of interleaved views too.</summary>
    internal bool MayOverlap(Tensor other)
    {
        if (Storage != other.Storage || Count == 0 || other.Count == 0)
            return false;
        var ((first, last), (otherFirst, otherLast)) = (Extent(), other.Extent());
        return first <= otherLast && otherFirst <= last;
    }

    // The first and the last byte; no stride is negative.
    private (long First, long Last) Extent()
    {
        var last = Offset;
        for (var i = 0; i < Shape.Rank; i++)
            last += (Shape[i] - 1) * Strides[i];
        return (Offset * DType.Size(), ((last + 1) * DType.Size()) - 1);
    }

    /// <summary>A view that no scope disposes, for a node of the graph.</summary>
    internal Tensor Alias() => View(Shape, Strides, Offset, scoped: false);

    /// <summary>Adopts a node: the caller's reference becomes this tensor's.</summary>
    internal void SetNode(Node node) => _node = node;

    internal unsafe T* PointerTo<T>()
        where T : unmanaged => (T*)Pointer;
}

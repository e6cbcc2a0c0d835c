using System.Diagnostics.CodeAnalysis;

namespace EscNative.Engine;

/// <summary>What a backward pass found: one gradient for each leaf that it reached. Dispose it after the step.</summary>
/// <remarks>Each has memory of its own, shared with no other tensor: it may be changed in place.</remarks>
public sealed class Gradients : IDisposable
{
    private readonly Dictionary<Node, Tensor> _byLeaf;
    private bool _disposed;

    internal Gradients(Dictionary<Node, Tensor> byLeaf) => _byLeaf = byLeaf;

    /// <summary>How many leaves were reached.</summary>
    public int Count => _byLeaf.Count;

    /// <summary>The gradient of a leaf; it has the leaf's shape and belongs to this object.</summary>
    /// <exception cref="EscException">The tensor is not a leaf, or the loss does not depend on it.</exception>
    public Tensor this[Tensor leaf] => TryGet(leaf, out var gradient)
        ? gradient
        : throw new EscException(
            ErrorCode.Usage, $"Gradients: the loss does not depend on {leaf}, or RequireGradient() was not called on it");

    /// <summary>The gradient of a leaf, if the loss depends on it.</summary>
    public bool TryGet(Tensor leaf, [NotNullWhen(true)] out Tensor? gradient)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        gradient = null;
        return leaf.Node is LeafNode node && _byLeaf.TryGetValue(node, out gradient);
    }

    /// <summary>Gives the gradients' memory back.</summary>
    public void Dispose()
    {
        foreach (var gradient in _byLeaf.Values)
            gradient.Dispose();
        _byLeaf.Clear();
        _disposed = true;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The learnable mask of ESC-T on cached features (methods, section 3): gradient descent on M, everything else frozen.</summary>
/// <remarks>
/// With A = U ⊙ M the logits of a row z are W A Aᵀz + b. Of the rows of a batch that are predicted right ("hits", h of them) the
/// mean of -CE is descended: with G = -(softmax - onehot) / h on hits and 0 elsewhere, B = W A and Qᵀ = GᵀZ,
/// dL/dM = U ⊙ [Q B + Wᵀ(QᵀA)], which costs 10 C d r + 4 batch C d FLOP. The head W A Aᵀ is formed first, so that the logits
/// are one product. Equal to the bit for any number of threads.
/// </remarks>
/// <typeparam name="T">float, or double for tests.</typeparam>
public sealed unsafe class MaskDescent<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int CountedRows = 256;

    private readonly ReadOnlyMemory<T> _features;
    private readonly int[] _labels;
    private readonly T[] _basis;
    private readonly T[] _bias;
    private readonly int _d;
    private readonly int _r;
    private readonly int _classes;

    private readonly T[] _masked;     // A: [d, r]
    private readonly T[] _gradient;   // dL/dA: [d, r]
    private readonly T[] _high;       // Qᵀ over W: [2 classes, d]
    private readonly T[] _wide;       // B over QᵀA: [2 classes, r]
    private readonly T[] _head;       // B Aᵀ: [classes, d]
    private T[] _batch = [];
    private T[] _logits = [];

    /// <summary>A mask of ones.</summary>
    /// <param name="features">[n, d]; kept, not copied.</param>
    /// <param name="labels">[n], 0 to classes - 1.</param>
    /// <param name="basis">U: [d, r].</param>
    /// <param name="weight">W: [classes, d].</param>
    /// <param name="bias">[classes]</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="UsageException">Lengths that do not fit each other, or a label out of range.</exception>
    public MaskDescent(ReadOnlyMemory<T> features, int[] labels, T[] basis, T[] weight, T[] bias, int dimension)
    {
        (_features, _labels, _basis, _bias, _d, _classes) = (features, labels, basis, bias, dimension, bias.Length);
        if (dimension < 1 || features.Length != (long)labels.Length * dimension || basis.Length % dimension != 0 || weight.Length != (long)_classes * dimension)
        {
            throw new UsageException(
                $"mask: got {features.Length} features of {labels.Length} labels, a basis of {basis.Length}, a weight of {weight.Length} and {_classes} biases; wants rows and columns of {dimension}");
        }

        var wrong = Array.FindIndex(labels, label => label < 0 || label >= _classes);
        if (wrong >= 0)
            throw new UsageException($"mask: label {wrong} is {labels[wrong]}, wants 0 to {_classes - 1}");
        _r = basis.Length / dimension;
        Mask = new T[basis.Length];
        Array.Fill(Mask, T.One);
        _masked = new T[basis.Length];
        _gradient = new T[basis.Length];
        _high = new T[2 * weight.Length];
        weight.CopyTo(_high, weight.Length);
        _wide = new T[2 * _classes * _r];
        _head = new T[weight.Length];
    }

    /// <summary>M: [d, r]. It may be written between steps.</summary>
    public T[] Mask { get; }

    /// <summary>One step: M becomes M - rate dL/dM, each value held in [0, 1].</summary>
    /// <param name="rows">The batch.</param>
    /// <param name="rate">The learning rate.</param>
    /// <returns>The batch's hits with the mask before the step; with none, nothing changed.</returns>
    public int Step(ReadOnlySpan<int> rows, T rate)
    {
        var hits = Gradient(rows);
        if (hits > 0)
            Descend(rate);
        return hits;
    }

    /// <summary>The gradient dL/dM of a batch at the present mask.</summary>
    /// <param name="rows">The batch.</param>
    /// <param name="gradient">[d, r], receives it; zero without a hit.</param>
    /// <returns>The loss -(1/h) times the sum of the hits' cross-entropies; 0 without a hit.</returns>
    public T Gradient(ReadOnlySpan<int> rows, Span<T> gradient)
    {
        var hits = Gradient(rows, out var loss);
        for (var i = 0; i < gradient.Length; i++)
            gradient[i] = hits > 0 ? _basis[i] * _gradient[i] : T.Zero;
        return loss;
    }

    /// <summary>How many of all rows are predicted right with the present mask.</summary>
    public int CountHits()
    {
        FormHead();
        var hits = 0;
        for (var first = 0; first < _labels.Length; first += CountedRows)
        {
            var count = Math.Min(CountedRows, _labels.Length - first);
            Logits(_features.Span.Slice(first * _d, count * _d), count);
            for (var i = 0; i < count; i++)
                hits += IsHit(_logits.AsSpan(i * _classes, _classes), _labels[first + i]) ? 1 : 0;
        }

        return hits;
    }

    private int Gradient(ReadOnlySpan<int> rows) => Gradient(rows, out _);

    // Leaves dL/dA in _gradient.
    private int Gradient(ReadOnlySpan<int> rows, out T loss)
    {
        FormHead();
        if (_batch.Length < rows.Length * _d)
            _batch = new T[rows.Length * _d];
        var features = _features.Span;
        for (var i = 0; i < rows.Length; i++)
            features.Slice(rows[i] * _d, _d).CopyTo(_batch.AsSpan(i * _d));
        Logits(_batch, rows.Length);
        var hits = Slopes(rows, out loss);
        if (hits == 0)
            return 0;
        var (c, square) = (_classes, _classes * _d);
        fixed (T* z = _batch, g = _logits, high = _high, wide = _wide, a = _masked, gradient = _gradient)
        {
            GemmDriver<T>.Multiply(c, _d, rows.Length, new(g, c, true), new(z, _d, true), high, _d, false);
            GemmDriver<T>.Multiply(c, _r, _d, new(high, _d, false), new(a, _r, true), wide + (c * _r), _r, false);
            GemmDriver<T>.Multiply(_d, _r, 2 * c, new(high, _d, true), new(wide, _r, true), gradient, _r, false);
        }

        return hits;
    }

    // A = U ⊙ M, B = W A, and the head B Aᵀ.
    private void FormHead()
    {
        var count = _masked.Length;
        fixed (T* a = _masked, u = _basis, m = Mask, high = _high, wide = _wide, head = _head)
        {
            var i = 0;
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
                Vector.Store(Vector.Load(u + i) * Vector.Load(m + i), a + i);
            for (; i < count; i++)
                a[i] = u[i] * m[i];
            GemmDriver<T>.Multiply(_classes, _r, _d, new(high + (_classes * _d), _d, false), new(a, _r, true), wide, _r, false);
            GemmDriver<T>.Multiply(_classes, _d, _r, new(wide, _r, false), new(a, _r, false), head, _d, false);
        }
    }

    // logits: [count, classes] = z headᵀ + bias
    private void Logits(ReadOnlySpan<T> rows, int count)
    {
        if (_logits.Length < count * _classes)
            _logits = new T[count * _classes];
        fixed (T* z = rows, head = _head, logits = _logits)
            GemmDriver<T>.Multiply(count, _classes, _d, new(z, _d, false), new(head, _d, false), logits, _classes, false);
        for (var i = 0; i < count; i++)
        {
            for (var c = 0; c < _classes; c++)
                _logits[(i * _classes) + c] += _bias[c];
        }
    }

    // The logits become G.
    private int Slopes(ReadOnlySpan<int> rows, out T loss)
    {
        var hits = 0;
        loss = T.Zero;
        for (var i = 0; i < rows.Length; i++)
        {
            var line = _logits.AsSpan(i * _classes, _classes);
            var label = _labels[rows[i]];
            if (!IsHit(line, label))
            {
                line.Clear();
                continue;
            }

            hits++;
            // A hit's logit is the largest.
            T largest = line[label], sum = T.Zero;
            for (var c = 0; c < line.Length; c++)
                sum += line[c] = T.Exp(line[c] - largest);
            loss -= T.Log(sum);
            for (var c = 0; c < line.Length; c++)
                line[c] /= sum;
            line[label] -= T.One;
        }

        var scale = hits == 0 ? T.Zero : -T.One / T.CreateChecked(hits);
        foreach (ref var value in _logits.AsSpan(0, rows.Length * _classes))
            value *= scale;
        loss *= -scale;
        return hits;
    }

    // Of equal logits the lowest index wins; NaN never does.
    private static bool IsHit(ReadOnlySpan<T> logits, int label)
    {
        var own = logits[label];
        if (T.IsNaN(own))
            return false;
        for (var c = 0; c < logits.Length; c++)
        {
            if (logits[c] > own || (logits[c] == own && c < label))
                return false;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Descend(T rate)
    {
        fixed (T* u = _basis, m = Mask, gradient = _gradient)
        {
            var (i, count) = (0, Mask.Length);
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                var moved = Vector.Load(m + i) - (Vector.Load(u + i) * rate * Vector.Load(gradient + i));
                Vector.Store(Vector.Min(Vector.Max(moved, Vector<T>.Zero), Vector<T>.One), m + i);
            }

            for (; i < count; i++)
                m[i] = T.Clamp(m[i] - (u[i] * rate * gradient[i]), T.Zero, T.One);
        }
    }
}

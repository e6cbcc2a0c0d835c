using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The learnable mask of ESC-T on cached features (methods, section 3): gradient descent on M, everything else frozen.</summary>
/// <remarks>
/// With A = U ⊙ M the logits of a row z are W A Aᵀz + b. Of the rows of a batch that are predicted right ("hits", h of them) the
/// mean of -CE is descended: with G = -(softmax - onehot) / h on hits and 0 elsewhere, B = W A and Qᵀ = GᵀZ,
/// dL/dM = U ⊙ [Q B + Wᵀ(QᵀA)], which costs 10 C d r + 4 batch C d FLOP. The head A Bᵀ of the mask as it is stands ready, so that the
/// logits are one product, and a batch without a hit costs no more. Equal to the bit for any number of threads.
/// </remarks>
/// <typeparam name="T">float, or double for tests.</typeparam>
public sealed unsafe class MaskDescent<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int CountedRows = 64;

    private readonly ReadOnlyMemory<T> _features;
    private readonly int[] _labels;
    private readonly T[] _bias;
    private readonly int _d;
    private readonly int _r;
    private readonly MaskSlabs<T> _slabs;
    private bool _headIsOld = true;
    private AlignedMemory<T> _batch = new(0);     // [rows, d]
    private AlignedMemory<T> _logits = new(0);    // [rows, class stride]; becomes G without its factor -1 / h
    private AlignedMemory<T> _losses = new(0);    // [rows]: NaN for a row that is no hit

    /// <summary>A mask of ones.</summary>
    /// <param name="features">[n, d]; kept, not copied.</param>
    /// <param name="labels">[n], 0 to classes - 1; kept, not copied.</param>
    /// <param name="basis">U: [d, r].</param>
    /// <param name="weight">W: [classes, d].</param>
    /// <param name="bias">[classes]</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="UsageException">Lengths that do not fit each other, or a label out of range.</exception>
    public MaskDescent(ReadOnlyMemory<T> features, int[] labels, T[] basis, T[] weight, T[] bias, int dimension)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(basis);
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(bias);
        if (dimension < 1 || features.Length != (long)labels.Length * dimension || basis.Length == 0 || basis.Length % dimension != 0
            || bias.Length == 0 || weight.Length != (long)bias.Length * dimension)
        {
            throw new UsageException(
                $"mask: got {features.Length} features of {labels.Length} labels, a basis of {basis.Length}, a weight of {weight.Length} and {bias.Length} biases; wants rows and columns of {dimension}");
        }

        var wrong = Array.FindIndex(labels, label => label < 0 || label >= bias.Length);
        if (wrong >= 0)
            throw new UsageException($"mask: label {wrong} is {labels[wrong]}, wants 0 to {bias.Length - 1}");
        (_features, _labels, _bias, _d, _r) = (features, labels, bias, dimension, basis.Length / dimension);
        _slabs = new MaskSlabs<T>(basis, weight, dimension, bias.Length);
    }

    /// <summary>Copies M.</summary>
    /// <param name="mask">Receives [d, r], row-major.</param>
    /// <exception cref="UsageException">Another length.</exception>
    public void ReadMask(Span<T> mask)
    {
        CheckMask(mask.Length);
        _slabs.ReadMask(mask);
    }

    /// <summary>Replaces M.</summary>
    /// <param name="mask">[d, r], row-major.</param>
    /// <exception cref="UsageException">Another length.</exception>
    public void WriteMask(ReadOnlySpan<T> mask)
    {
        CheckMask(mask.Length);
        _slabs.WriteMask(mask);
        _headIsOld = true;
    }

    /// <summary>One step: M becomes M - rate dL/dM, each value held in [0, 1].</summary>
    /// <param name="rows">The batch.</param>
    /// <param name="rate">The learning rate.</param>
    /// <returns>The batch's hits with the mask before the step; with none, nothing changed.</returns>
    public int Step(ReadOnlySpan<int> rows, T rate)
    {
        var hits = Slopes(rows, out _);
        if (hits > 0)
            _slabs.Descend(-rate / T.CreateChecked(hits));
        return hits;
    }

    /// <summary>The gradient dL/dM of a batch at the present mask.</summary>
    /// <param name="rows">The batch.</param>
    /// <param name="gradient">[d, r], receives it; zero without a hit.</param>
    /// <returns>The loss -(1/h) times the sum of the hits' cross-entropies; 0 without a hit.</returns>
    /// <exception cref="UsageException">The span has another length.</exception>
    public T Gradient(ReadOnlySpan<int> rows, Span<T> gradient)
    {
        CheckMask(gradient.Length);
        gradient.Clear();
        var hits = Slopes(rows, out var loss);
        if (hits > 0)
        {
            fixed (T* values = gradient)
                _slabs.Gradient(-T.One / T.CreateChecked(hits), values);
        }

        return loss;
    }

    /// <summary>How many of all rows are predicted right with the present mask.</summary>
    public int CountHits()
    {
        using var call = KernelCall.Begin();
        FormHead();
        var tiles = (_labels.Length + CountedRows - 1) / CountedRows;
        var hits = new int[tiles];
        using var features = _features.Pin();
        fixed (int* labels = _labels, counts = hits)
        fixed (T* bias = _bias)
        {
            var job = Logits((T*)features.Pointer, labels, bias, _labels.Length);
            job.Counts = counts;
            GemmDriver<T>.Run(tiles > 1, tiles, job);
        }

        return hits.Sum();
    }

    // Leaves Q, without its factor -1 / h, where a step looks for it.
    private int Slopes(ReadOnlySpan<int> rows, out T loss)
    {
        using var call = KernelCall.Begin();
        FormHead();
        loss = T.Zero;
        if (rows.IsEmpty)
            return 0;
        Reserve(rows.Length);
        using var features = _features.Pin();
        fixed (int* labels = _labels, order = rows)
        fixed (T* bias = _bias)
        {
            var job = Logits((T*)features.Pointer, labels, bias, rows.Length);
            job.Order = order;
            job.Batch = _batch.Pointer;
            job.Slopes = _logits.Pointer;
            job.Losses = _losses.Pointer;
            GemmDriver<T>.Run(_slabs.IsParallel, job.Tiles, job);
        }

        var hits = 0;
        foreach (var value in _losses.Span[..rows.Length])
        {
            if (T.IsNaN(value))
                continue;
            hits++;
            loss -= value;
        }

        if (hits == 0)
            return 0;
        loss /= T.CreateChecked(hits);
        var slope = new SlopeJob
        {
            Batch = _batch.Pointer,
            Slopes = _logits.Pointer,
            Result = _slabs.Slope.Pointer,
            Transposed = _slabs.High,
            Rows = rows.Length,
            D = _d,
            Classes = _bias.Length,
            ClassStride = _slabs.ClassStride,
            HighStride = _slabs.HighStride,
        };
        GemmDriver<T>.Run(_slabs.IsParallel, slope.Tiles, slope);
        return hits;
    }

    private void FormHead()
    {
        if (_headIsOld)
            _slabs.FormHead();
        _headIsOld = false;
    }

    private LogitsJob Logits(T* features, int* labels, T* bias, int rows) => new()
    {
        Features = features,
        Labels = labels,
        Bias = bias,
        Head = _slabs.Head.Pointer,
        Rows = rows,
        D = _d,
        Classes = _bias.Length,
        ClassStride = _slabs.ClassStride,
    };

    private void Reserve(int rows)
    {
        if (_losses.Span.Length >= rows)
            return;
        _batch = new AlignedMemory<T>((long)rows * _d);
        _logits = new AlignedMemory<T>((long)rows * _slabs.ClassStride);
        _losses = new AlignedMemory<T>(rows);
    }

    private void CheckMask(int length)
    {
        if (length != _d * _r)
            throw new UsageException($"mask: got {length} values, wants {_d} x {_r}");
    }

    // Logits of a few rows, and their hits: counted, or turned into slopes.
    private struct LogitsJob : ITileJob
    {
        private const int BatchRows = 16;

        public T* Features, Bias, Head;
        public int* Labels;
        public int Rows, D, Classes, ClassStride;

        /// <summary>[tiles], for counting.</summary>
        public int* Counts;

        /// <summary>The rows of a batch; else all.</summary>
        public int* Order;

        public T* Batch, Slopes, Losses;

        public readonly int Tiles => (Rows + BatchRows - 1) / BatchRows;

        public readonly void Execute(int tile, int worker)
        {
            if (Counts != null)
                Count(tile);
            else
                Differentiate(tile * BatchRows, Math.Min(Rows, (tile + 1) * BatchRows));
        }

        private readonly void Count(int tile)
        {
            var (first, hits) = (tile * CountedRows, 0);
            var count = Math.Min(CountedRows, Rows - first);
            var logits = CpuScratch.Get<T>(CpuScratch.Slot.Mask, (long)count * ClassStride);
            Multiply(Features + ((nint)first * D), count, logits);
            for (var i = 0; i < count; i++)
                hits += IsHit(logits + (i * ClassStride), Labels[first + i]) ? 1 : 0;
            Counts[tile] = hits;
        }

        // Slopes of a row that is no hit are 0.
        private readonly void Differentiate(int first, int end)
        {
            for (var i = first; i < end; i++)
                new ReadOnlySpan<T>(Features + ((nint)Order[i] * D), D).CopyTo(new Span<T>(Batch + ((nint)i * D), D));
            Multiply(Batch + ((nint)first * D), end - first, Slopes + (first * ClassStride));
            for (var i = first; i < end; i++)
            {
                var line = Slopes + (i * ClassStride);
                var label = Labels[Order[i]];
                Losses[i] = T.NaN;
                if (!IsHit(line, label))
                {
                    new Span<T>(line, Classes).Clear();
                    continue;
                }

                // A hit's logit is the largest.
                T largest = line[label], sum = T.Zero;
                for (var c = 0; c < Classes; c++)
                    sum += line[c] = T.Exp(line[c] - largest);
                for (var c = 0; c < Classes; c++)
                    line[c] /= sum;
                line[label] -= T.One;
                Losses[i] = T.Log(sum);
            }
        }

        private readonly void Multiply(T* rows, int count, T* logits)
        {
            DirectGemm<T>.Multiply(count, ClassStride, D, new(rows, D, false), new(Head, ClassStride, true), logits, ClassStride, false);
            for (var i = 0; i < count; i++)
            {
                for (var c = 0; c < Classes; c++)
                    logits[(i * ClassStride) + c] += Bias[c];
            }
        }

        // Of equal logits the lowest index wins; NaN never does.
        private readonly bool IsHit(T* logits, int label)
        {
            var own = logits[label];
            if (T.IsNaN(own))
                return false;
            for (var c = 0; c < Classes; c++)
            {
                if (logits[c] > own || (logits[c] == own && c < label))
                    return false;
            }

            return true;
        }
    }

    // Q = ZᵀG, [d, class stride], and its transpose.
    private struct SlopeJob : ITileJob
    {
        private const int TileRows = 96;

        public T* Batch, Slopes, Result, Transposed;
        public int Rows, D, Classes, ClassStride, HighStride;

        public readonly int Tiles => (D + TileRows - 1) / TileRows;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute(int tile, int worker)
        {
            var (first, end) = (tile * TileRows, Math.Min(D, (tile + 1) * TileRows));
            DirectGemm<T>.Multiply(
                end - first, ClassStride, Rows, new(Batch + first, D, true), new(Slopes, ClassStride, true), Result + ((nint)first * ClassStride), ClassStride, false);
            for (var c = 0; c < Classes; c++)
            {
                for (var i = first; i < end; i++)
                    Transposed[((nint)c * HighStride) + i] = Result[((nint)i * ClassStride) + c];
            }
        }
    }
}

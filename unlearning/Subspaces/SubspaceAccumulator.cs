using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Subspaces;

/// <summary>
/// The Gram matrix G = sum of z zᵀ over feature rows z, in float64, gathered batch by batch in O(d²) memory. It is all that
/// ESC needs of the forgetting data; no centring (methods, section 2).
/// </summary>
/// <remarks>
/// Rows are added in blocks of <see cref="BlockRows"/> with the remainder waiting, so that the result's bits depend on the
/// order of the rows but not on how the caller cut them into batches. Not safe for concurrent use.
/// </remarks>
public sealed class SubspaceAccumulator
{
    /// <summary>Rows that are added to the Gram matrix at once: enough for the product's full speed (256 lose a seventh).</summary>
    public const int BlockRows = 512;

    private readonly double[] _gram;
    private readonly float[] _waiting;
    private int _waitingRows;
    private long _blockedRows;

    /// <summary>An empty one.</summary>
    /// <param name="dimension">d, the length of a feature, at least 1.</param>
    /// <exception cref="UsageException">d is less than 1.</exception>
    public SubspaceAccumulator(int dimension)
    {
        if (dimension < 1)
            throw new UsageException($"subspace accumulator: got dimension {dimension}, wants at least 1");
        Dimension = dimension;
        _gram = new double[(long)dimension * dimension];
        _waiting = GC.AllocateUninitializedArray<float>(checked(BlockRows * dimension));
    }

    /// <summary>d, the length of a feature.</summary>
    public int Dimension { get; }

    /// <summary>How many rows were added.</summary>
    public long Count => _blockedRows + _waitingRows;

    /// <summary>The sum of squares of all features: the trace of G, and the sum of all squared singular values.</summary>
    public double Trace
    {
        get
        {
            var gram = Gram();
            double trace = 0;
            for (long i = 0; i < Dimension; i++)
                trace += gram[i * Dimension + i];
            return trace;
        }
    }

    /// <summary>An accumulator that goes on from a stored Gram matrix.</summary>
    /// <param name="gram">[d, d], symmetric, finite.</param>
    /// <param name="dimension">d.</param>
    /// <param name="count">The rows that it holds.</param>
    /// <exception cref="UsageException">Sizes that do not fit.</exception>
    /// <exception cref="EscException">Not finite or not symmetric, or a negative diagonal (bad input).</exception>
    public static SubspaceAccumulator FromGram(ReadOnlySpan<double> gram, int dimension, long count)
    {
        var result = new SubspaceAccumulator(dimension);
        if (gram.Length != result._gram.Length || count < 0)
            throw new UsageException($"Gram matrix: got {gram.Length} values of {count} rows, wants {dimension} x {dimension}");
        for (var i = 0; i < dimension; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var value = gram[i * dimension + j];
                if (!double.IsFinite(value) || value != gram[j * dimension + i] || (i == j && value < 0))
                {
                    throw new EscException(
                        ErrorCode.BadInput,
                        $"Gram matrix: entry [{i}, {j}] = {value}, [{j}, {i}] = {gram[j * dimension + i]}; wants finite, symmetric, no negative diagonal");
                }
            }
        }

        gram.CopyTo(result._gram);
        result._blockedRows = count;
        return result;
    }

    /// <summary>Adds feature rows.</summary>
    /// <param name="rows">[count, d] row-major.</param>
    /// <param name="count">How many rows; 0 is allowed.</param>
    /// <exception cref="UsageException">The span does not hold count x d values.</exception>
    /// <exception cref="EscException">A feature that is not finite (bad input); nothing was added then.</exception>
    public void Add(ReadOnlySpan<float> rows, int count)
    {
        if (count < 0 || rows.Length != (long)count * Dimension)
            throw new UsageException($"features: got {rows.Length} values for {count} rows, wants rows of {Dimension}");
        FeatureCheck.Finite(rows, Dimension, Count);
        AddFinite(rows, count);
    }

    /// <summary>Adds rows that are known to be finite.</summary>
    internal unsafe void AddFinite(ReadOnlySpan<float> rows, int count)
    {
        fixed (double* gram = _gram)
        {
            while (count > 0)
            {
                if (_waitingRows == 0 && count >= BlockRows)
                {
                    fixed (float* x = rows)
                        Gemm.GramF64(BlockRows, Dimension, x, Dimension, gram);
                    rows = rows[(BlockRows * Dimension)..];
                    count -= BlockRows;
                    _blockedRows += BlockRows;
                    continue;
                }

                var taken = Math.Min(count, BlockRows - _waitingRows);
                rows[..(taken * Dimension)].CopyTo(_waiting.AsSpan(_waitingRows * Dimension));
                rows = rows[(taken * Dimension)..];
                count -= taken;
                _waitingRows += taken;
                if (_waitingRows == BlockRows)
                {
                    fixed (float* x = _waiting)
                        Gemm.GramF64(BlockRows, Dimension, x, Dimension, gram);
                    _blockedRows += BlockRows;
                    _waitingRows = 0;
                }
            }
        }
    }

    /// <summary>Adds all rows of another accumulator, as if they had been gathered here: for data-parallel and multi-machine
    /// runs, and for the union of classes.</summary>
    /// <param name="other">Stays as it is.</param>
    /// <exception cref="UsageException">It is this one, or its dimension differs.</exception>
    public void Merge(SubspaceAccumulator other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Dimension != Dimension || ReferenceEquals(other, this))
        {
            throw new UsageException(
                $"merge of subspace accumulators: got dimension {other.Dimension}{(ReferenceEquals(other, this) ? " (itself)" : "")}, wants another one of dimension {Dimension}");
        }

        for (var i = 0; i < _gram.Length; i++)
            _gram[i] += other._gram[i];
        _blockedRows += other._blockedRows;
        AddFinite(other._waiting.AsSpan(0, other._waitingRows * Dimension), other._waitingRows);
    }

    /// <summary>A copy of G, [d, d], symmetric, with every row that was added.</summary>
    public unsafe double[] Gram()
    {
        var result = (double[])_gram.Clone();
        if (_waitingRows > 0)
        {
            // The waiting rows keep waiting: reading must not change what later rows give.
            fixed (double* gram = result)
            fixed (float* x = _waiting)
                Gemm.GramF64(_waitingRows, Dimension, x, Dimension, gram);
        }

        return result;
    }
}

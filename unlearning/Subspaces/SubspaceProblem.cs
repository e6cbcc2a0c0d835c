namespace EscNative.Unlearning.Subspaces;

/// <summary>The features whose principal directions are sought: as a Gram matrix, or as rows (from which the Gram matrix is
/// made when a solver asks for it).</summary>
public sealed class SubspaceProblem
{
    private ReadOnlyMemory<float> _rows;
    private double[]? _gram;
    private double? _energy;

    /// <summary>Features known by their Gram matrix alone.</summary>
    /// <param name="accumulator">Is read once, now.</param>
    public SubspaceProblem(SubspaceAccumulator accumulator)
    {
        ArgumentNullException.ThrowIfNull(accumulator);
        Dimension = accumulator.Dimension;
        Count = accumulator.Count;
        _gram = accumulator.Gram();
    }

    /// <summary>Features given row by row.</summary>
    /// <param name="rows">[count, dimension] row-major; kept, not copied.</param>
    /// <param name="count">n.</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="UsageException">The memory does not hold count x dimension values.</exception>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    public SubspaceProblem(ReadOnlyMemory<float> rows, int count, int dimension)
    {
        if (count < 0 || dimension < 1 || rows.Length != (long)count * dimension)
            throw new UsageException($"features: got {rows.Length} values for {count} rows of {dimension}");
        FeatureCheck.Finite(rows.Span, dimension, 0);
        _rows = rows;
        Dimension = dimension;
        Count = count;
        HasRows = true;
    }

    /// <summary>Features on a GPU. The solvers of that device leave them there; what others ask for is copied when they ask.</summary>
    /// <param name="features">Kept, not copied: it must live as long as this. Nothing can be added to it any more.</param>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    public SubspaceProblem(CudaFeatures features)
    {
        ArgumentNullException.ThrowIfNull(features);
        features.CheckFinite();
        (Device, Dimension, Count, HasRows) = (features, features.Dimension, features.Count, features.KeepsRows);
    }

    /// <summary>d, the length of a feature.</summary>
    public int Dimension { get; }

    /// <summary>n, the number of features.</summary>
    public long Count { get; }

    /// <summary>Whether the rows themselves are at hand.</summary>
    public bool HasRows { get; }

    /// <summary>The rows, [n, d].</summary>
    /// <exception cref="UsageException">Only the Gram matrix is at hand.</exception>
    public ReadOnlySpan<float> Rows
    {
        get
        {
            if (!HasRows)
                throw new UsageException("this solver reads the feature rows, but only their Gram matrix was kept: choose gram-eigen or subspace-iteration, or keep the features");
            if (_rows.IsEmpty && Device is not null)
                _rows = Device.RowsToHost();
            return _rows.Span;
        }
    }

    /// <summary>G = Zᵀ Z, [d, d]; made, or copied from the device, on first use.</summary>
    public double[] Gram
    {
        get
        {
            if (_gram is null && Device is not null)
            {
                _gram = Device.GramToHost();
            }
            else if (_gram is null)
            {
                var accumulator = new SubspaceAccumulator(Dimension);
                accumulator.AddFinite(_rows.Span, (int)Count);
                _gram = accumulator.Gram();
            }

            return _gram;
        }
    }

    /// <summary>The sum of squares of all features.</summary>
    public double Energy => _energy ??= (_gram is null && Device is not null ? Device.Diagonal() : Diagonal(Gram)).Sum();

    /// <summary>Where the features lie, if they lie on a GPU.</summary>
    internal CudaFeatures? Device { get; }

    private IEnumerable<double> Diagonal(double[] gram) => Enumerable.Range(0, Dimension).Select(i => gram[i * (Dimension + 1L)]);
}

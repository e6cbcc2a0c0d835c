using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Masks;

/// <summary>What the mask of ESC-T is trained on: the forgetting data's cached features, their basis, and the model's head.</summary>
public sealed class MaskProblem
{
    private ReadOnlyMemory<float> _features;

    /// <summary>Features on the host.</summary>
    /// <param name="features">[n, d] row-major; kept, not copied.</param>
    /// <param name="labels">[n], classes of the head.</param>
    /// <param name="basis">U: [d, r] row-major.</param>
    /// <param name="weight">W of the head: [classes, d] row-major.</param>
    /// <param name="bias">b of the head: [classes].</param>
    /// <param name="dimension">d.</param>
    /// <param name="batch">Rows of a step.</param>
    /// <exception cref="UsageException">Lengths that do not fit each other, or a label out of range.</exception>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    public MaskProblem(ReadOnlyMemory<float> features, int[] labels, double[] basis, float[] weight, float[] bias, int dimension, int batch)
        : this(features.Length, labels, basis, weight, bias, dimension, batch)
    {
        FeatureCheck.Finite(features.Span, dimension, 0);
        _features = features;
    }

    /// <summary>Features on a GPU. A trainer of that device leaves them there; another one copies them.</summary>
    /// <param name="features">With their rows, which are kept, not copied: they must live as long as this. Nothing can be added to them any
    /// more.</param>
    /// <inheritdoc cref="MaskProblem(ReadOnlyMemory{float}, int[], double[], float[], float[], int, int)"/>
    public MaskProblem(CudaFeatures features, int[] labels, double[] basis, float[] weight, float[] bias, int dimension, int batch)
        : this(features.Count * features.Dimension, labels, basis, weight, bias, dimension, batch)
    {
        features.CheckFinite();
        Device = features;
    }

    private MaskProblem(long features, int[] labels, double[] basis, float[] weight, float[] bias, int dimension, int batch)
    {
        if (dimension < 1 || batch < 1 || basis.Length == 0 || basis.Length % dimension != 0 || bias.Length == 0
            || features != (long)labels.Length * dimension || weight.Length != (long)bias.Length * dimension)
        {
            throw new UsageException(
                $"ESC-T: got {features} feature values of {labels.Length} labels, a basis of {basis.Length}, a weight of {weight.Length} with {bias.Length} biases, and batches of {batch}; wants rows and columns of {dimension}");
        }

        var wrong = Array.FindIndex(labels, label => label < 0 || label >= bias.Length);
        if (wrong >= 0)
            throw new UsageException($"ESC-T: label {wrong} is {labels[wrong]}, wants 0 to {bias.Length - 1}");
        (Labels, Weight, Bias, Dimension, Batch) = (labels, weight, bias, dimension, batch);
        Basis = Array.ConvertAll(basis, value => (float)value);
    }

    /// <summary>Z on the host: [n, d] row-major. Of features on a GPU a copy is made on first use.</summary>
    public ReadOnlyMemory<float> Features
    {
        get
        {
            if (_features.IsEmpty && Device is not null)
                _features = Device.RowsToHost();
            return _features;
        }
    }

    /// <summary>n.</summary>
    public int Count => Labels.Length;

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>r, the columns of U and M.</summary>
    public int Columns => Basis.Length / Dimension;

    /// <summary>Rows of W.</summary>
    public int Classes => Bias.Length;

    /// <summary>Rows of a step.</summary>
    public int Batch { get; }

    /// <summary>Where the features lie, if they lie on a GPU.</summary>
    internal CudaFeatures? Device { get; }

    internal int[] Labels { get; }

    internal float[] Basis { get; }

    internal float[] Weight { get; }

    internal float[] Bias { get; }

    internal void CheckRows(ReadOnlySpan<int> order)
    {
        if (order.Length > Count)
            throw new UsageException($"ESC-T: got an order of {order.Length} rows, wants at most {Count}");
        for (var i = 0; i < order.Length; i++)
        {
            if ((uint)order[i] >= (uint)Count)
                throw new UsageException($"ESC-T: row {i} of the order is {order[i]}, wants 0 to {Count - 1}");
        }
    }

    internal void CheckMask(int length)
    {
        if (length != Basis.Length)
            throw new UsageException($"ESC-T: got a mask of {length} values, wants {Dimension} x {Columns}");
    }

    internal void CheckMask(ReadOnlySpan<float> mask)
    {
        CheckMask(mask.Length);
        foreach (var value in mask)
        {
            if (!(value >= 0 && value <= 1))
                throw new UsageException($"ESC-T: the mask holds {value}, wants 0 to 1");
        }
    }
}

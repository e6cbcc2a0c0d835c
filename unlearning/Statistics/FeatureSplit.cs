using EscNative.Kernels;

namespace EscNative.Unlearning.Statistics;

/// <summary>The features of one set of images (training or test), and which of its rows an erasure request names.</summary>
/// <remarks>Keeps the arrays that it is given; they must not change while metrics read them.</remarks>
public sealed class FeatureSplit
{
    /// <summary>Takes the features and checks them.</summary>
    /// <param name="features">[n, width], row-major: the input of the last linear layer, after erasure if there is one.</param>
    /// <param name="width">d, columns of the features.</param>
    /// <param name="labels">The n true classes.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="forgotten">For each of the n rows, whether the request names it.</param>
    /// <param name="logits">[n, classes], the model's own output, if the accuracies are wanted too.</param>
    /// <exception cref="EscException">BadInput: sizes that do not agree, NaN or infinity, a label that is not a class.</exception>
    public FeatureSplit(float[] features, int width, int[] labels, int classes, bool[] forgotten, float[]? logits = null)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(forgotten);
        if (width < 1)
            throw Guard.Bad($"features: got width {width}, wants 1 or more");
        Guard.CheckLabels("features", labels, classes);
        Guard.CheckCount("features", "marks of forgotten rows", forgotten.Length, labels.Length);
        Guard.CheckMatrix("features", "features", features, labels.Length, width);
        if (logits is not null)
            Guard.CheckMatrix("features", "logits", logits, labels.Length, classes);
        Features = features;
        Width = width;
        Labels = labels;
        Classes = classes;
        Forgotten = forgotten;
        Logits = logits;
        ForgottenRows = forgotten.Count(f => f);
    }

    /// <summary>The features, [n, width], row-major.</summary>
    public float[] Features { get; }

    /// <summary>d, columns of the features.</summary>
    public int Width { get; }

    /// <summary>The true classes.</summary>
    public int[] Labels { get; }

    /// <summary>How many classes there are.</summary>
    public int Classes { get; }

    /// <summary>Which rows the request names.</summary>
    public bool[] Forgotten { get; }

    /// <summary>The model's own output, [n, classes], if it was given.</summary>
    public float[]? Logits { get; }

    /// <summary>n, how many rows there are.</summary>
    public int Rows => Labels.Length;

    /// <summary>How many rows the request names.</summary>
    public int ForgottenRows { get; }

    /// <summary>Marks the rows of whole classes.</summary>
    /// <param name="labels">The true classes.</param>
    /// <param name="forgottenClasses">The classes that the request names.</param>
    public static bool[] MarkClasses(ReadOnlySpan<int> labels, params ReadOnlySpan<int> forgottenClasses)
    {
        var marks = new bool[labels.Length];
        for (var row = 0; row < marks.Length; row++)
            marks[row] = forgottenClasses.Contains(labels[row]);
        return marks;
    }

    /// <summary>Marks single rows.</summary>
    /// <param name="rows">How many rows there are.</param>
    /// <param name="forgottenRows">The rows that the request names.</param>
    /// <exception cref="EscException">BadInput: an index outside the set.</exception>
    public static bool[] MarkRows(int rows, ReadOnlySpan<int> forgottenRows)
    {
        var marks = new bool[rows];
        foreach (var row in forgottenRows)
        {
            if ((uint)row >= (uint)rows)
                throw Guard.Bad($"forgotten rows: index {row} is outside 0 .. {rows - 1}");
            marks[row] = true;
        }

        return marks;
    }

    /// <summary>The rows that the request names, or the others, ascending.</summary>
    internal int[] RowsOf(bool forgotten) => [.. Enumerable.Range(0, Rows).Where(row => Forgotten[row] == forgotten)];

    /// <summary>Some of given rows in a random order.</summary>
    internal static int[] Draw(int[] rows, int count, ulong seed, ulong stream) =>
        [.. new RandomSource(seed, stream).Permutation(rows.Length).Take(count).Select(i => rows[i])];

    /// <summary>The logits of some rows, [rows, classes]; the set must have them.</summary>
    internal float[] LogitsOf(int[] rows)
    {
        var logits = new float[rows.Length * Classes];
        for (var i = 0; i < rows.Length; i++)
            Logits.AsSpan(rows[i] * Classes, Classes).CopyTo(logits.AsSpan(i * Classes));
        return logits;
    }

    /// <summary>One row of the features.</summary>
    internal ReadOnlySpan<float> Row(int row) => Features.AsSpan(row * Width, Width);
}

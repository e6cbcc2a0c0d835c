namespace EscNative.Unlearning.Features;

/// <summary>The columns that say of an image what is to be erased from its feature: "is forgotten", as 0 or 1.</summary>
internal sealed class ConceptColumns
{
    private readonly int[] _forgotten;
    private readonly int[] _kept;

    /// <param name="forgotten">One column each: the class, of images in D_f; empty for one column, membership of D_f.</param>
    /// <param name="kept">Further columns, one for each of these classes: whether an image belongs to it.</param>
    public ConceptColumns(int[] forgotten, int[] kept)
    {
        (_forgotten, _kept) = (forgotten, kept);
        Erased = Math.Max(forgotten.Length, 1);
    }

    /// <summary>Columns of what is erased; they come first.</summary>
    public int Erased { get; }

    /// <summary>All columns.</summary>
    public int Count => Erased + _kept.Length;

    /// <summary>The columns of some images.</summary>
    /// <param name="labels">[n].</param>
    /// <param name="forgotten">Whether they are of D_f.</param>
    /// <returns>[n, Count].</returns>
    public double[] Of(ReadOnlySpan<int> labels, bool forgotten)
    {
        var columns = new double[labels.Length * Count];
        for (var i = 0; i < labels.Length; i++)
        {
            var row = columns.AsSpan(i * Count, Count);
            if (forgotten && (_forgotten.Length == 0 ? 0 : Array.IndexOf(_forgotten, labels[i])) is >= 0 and var column)
                row[column] = 1;
            if (Array.IndexOf(_kept, labels[i]) is >= 0 and var kept)
                row[Erased + kept] = 1;
        }

        return columns;
    }
}

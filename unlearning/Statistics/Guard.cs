namespace EscNative.Unlearning.Statistics;

/// <summary>Checks of what a metric is given.</summary>
internal static class Guard
{
    /// <summary>The exception for data that a metric cannot use.</summary>
    public static EscException Bad(string message) => new(ErrorCode.BadInput, message);

    /// <summary>Every label is a class.</summary>
    public static void CheckLabels(string operation, ReadOnlySpan<int> labels, int classes)
    {
        if (classes < 1)
            throw Bad($"{operation}: got {classes} classes, wants 1 or more");
        for (var row = 0; row < labels.Length; row++)
        {
            if ((uint)labels[row] >= (uint)classes)
                throw Bad($"{operation}: label {labels[row]} of row {row} is not a class (0 .. {classes - 1})");
        }
    }

    /// <summary>A matrix [rows, width] without NaN and infinity.</summary>
    public static void CheckMatrix(string operation, string name, ReadOnlySpan<float> values, int rows, int width)
    {
        if (values.Length != (long)rows * width)
            throw Bad($"{operation}: {name} hold {values.Length} values, wants {rows} rows of {width}");
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
                throw Bad($"{operation}: {name} hold {values[i]} in row {i / width}, column {i % width}; wants finite numbers");
        }
    }

    /// <summary>As many of one thing as of another.</summary>
    public static void CheckCount(string operation, string name, int got, int wanted)
    {
        if (got != wanted)
            throw Bad($"{operation}: got {got} {name}, wants {wanted}");
    }
}

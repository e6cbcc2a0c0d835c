namespace EscNative.Kernels;

/// <summary>How a dimension is folded into one value.</summary>
public enum ReduceOp
{
    /// <summary>The sum; 0 for no values.</summary>
    Sum,

    /// <summary>The arithmetic mean.</summary>
    Mean,

    /// <summary>The largest value; NaN if any value is NaN.</summary>
    Max,
}

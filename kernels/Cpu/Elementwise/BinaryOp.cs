namespace EscNative.Kernels.Cpu;

/// <summary>Functions of two values.</summary>
public enum BinaryOp
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a - b.</summary>
    Subtract,

    /// <summary>a * b.</summary>
    Multiply,

    /// <summary>a / b.</summary>
    Divide,

    /// <summary>The larger one; NaN if one of them is NaN.</summary>
    Maximum,

    /// <summary>The smaller one; NaN if one of them is NaN.</summary>
    Minimum,
}

namespace EscNative.Kernels;

/// <summary>An elementwise function of two operands.</summary>
public enum BinaryOp
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a - b.</summary>
    Subtract,

    /// <summary>a b.</summary>
    Multiply,

    /// <summary>a / b.</summary>
    Divide,

    /// <summary>a b, and 0 where a is 0 whatever b is: a weight of 0 takes out what has no finite value, as log 0.</summary>
    Weigh,
}

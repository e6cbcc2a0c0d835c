namespace EscNative.Kernels.Cpu;

/// <summary>Functions of one value.</summary>
public enum UnaryOp
{
    /// <summary>-x.</summary>
    Negate,

    /// <summary>e^x.</summary>
    Exp,

    /// <summary>Natural logarithm.</summary>
    Log,

    /// <summary>Square root.</summary>
    Sqrt,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>x times the normal distribution function of x: exact, by the error function.</summary>
    Gelu,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid,

    /// <summary>x * x.</summary>
    Square,

    /// <summary>|x|; its derivative at 0 is 0.</summary>
    Abs,

    /// <summary>1 / x.</summary>
    Reciprocal,
}

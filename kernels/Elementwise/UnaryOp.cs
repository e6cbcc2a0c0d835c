namespace EscNative.Kernels;

/// <summary>An elementwise function of one operand. The remark says what its backward pass reads.</summary>
public enum UnaryOp
{
    /// <summary>-x. Reads nothing.</summary>
    Negate,

    /// <summary>e^x. Reads the result.</summary>
    Exp,

    /// <summary>ln x. Reads the operand.</summary>
    Log,

    /// <summary>√x. Reads the result.</summary>
    Sqrt,

    /// <summary>max(x, 0). Reads the result; the slope at 0 is 0.</summary>
    Relu,

    /// <summary>x Φ(x) with the exact normal distribution function (erf). Reads the operand.</summary>
    Gelu,

    /// <summary>tanh x. Reads the result.</summary>
    Tanh,

    /// <summary>1 / (1 + e^-x). Reads the result.</summary>
    Sigmoid,

    /// <summary>x². Reads the operand.</summary>
    Square,

    /// <summary>|x|. Reads the operand; the slope at 0 is 0.</summary>
    Abs,

    /// <summary>x / (1 + e^-x), also called swish. Reads the operand.</summary>
    Silu,

    /// <summary>min(max(x, 0), 6). Reads the result; the slope at 0 and at 6 is 0, and at NaN.</summary>
    Relu6,

    /// <summary>x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, the approximation of <see cref="Gelu"/>. Reads the operand.</summary>
    GeluTanh,
}

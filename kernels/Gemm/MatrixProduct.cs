namespace EscNative.Kernels.Cuda;

/// <summary>The operands of c = alpha op(a) op(b) + beta c + bias for a batch of row-major matrices: op(a) is [M, K], op(b) [K, N], c [M, N].</summary>
/// <param name="A">Stored [K, M] where <paramref name="TransposeA"/>, else [M, K].</param>
/// <param name="TransposeA">Whether op is the transpose.</param>
/// <param name="LeadingA">Values from one stored row of a to the next.</param>
/// <param name="B">Stored [N, K] where <paramref name="TransposeB"/>, else [K, N].</param>
/// <param name="TransposeB">Whether op is the transpose.</param>
/// <param name="LeadingB">Values from one stored row of b to the next.</param>
/// <param name="C">The result; it overlaps no operand.</param>
/// <param name="LeadingC">Values from one row of c to the next.</param>
/// <param name="M">Rows of the result.</param>
/// <param name="N">Columns of the result.</param>
/// <param name="K">Products in each value; 0 gives zeros.</param>
public readonly record struct MatrixProduct(
    nint A, bool TransposeA, long LeadingA, nint B, bool TransposeB, long LeadingB, nint C, long LeadingC, long M, int N, int K)
{
    /// <summary>Matrices of the outer batch (images, say).</summary>
    public int Outer { get; init; } = 1;

    /// <summary>Matrices of the inner batch, in each of the outer one (heads, say).</summary>
    public int Inner { get; init; } = 1;

    /// <summary>Values from one outer matrix of a, b and c to the next; 0 uses the same one for all.</summary>
    public (long A, long B, long C) OuterStride { get; init; }

    /// <summary>Values from one inner matrix of a, b and c to the next; 0 uses the same one for all.</summary>
    public (long A, long B, long C) InnerStride { get; init; }

    /// <summary>The factor of the product.</summary>
    public double Alpha { get; init; } = 1;

    /// <summary>The factor of what c holds; 0 does not read it.</summary>
    public double Beta { get; init; }

    /// <summary>[N] values of the accumulation type (float64 for F64, else float32) that are added to each row, or 0 for none.</summary>
    public nint Bias { get; init; }

    /// <summary>Whether negative results become 0.</summary>
    public bool Relu { get; init; }

    /// <summary>Whether the bits of a row may not depend on how many rows and matrices there are: for work that is done in pieces of any size.</summary>
    public bool RowsApart { get; init; }

    /// <summary>How many products there are.</summary>
    public int Batch => checked(Outer * Inner);
}

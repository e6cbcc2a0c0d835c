namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Eigenvalues and eigenvectors of a symmetric matrix.</summary>
/// <param name="Size">The matrix is [Size, Size].</param>
/// <param name="Values">[Size], descending.</param>
/// <param name="Vectors">[Size, Size] row-major: column j is the unit eigenvector of Values[j], its component of largest
/// magnitude (the first of equals) positive.</param>
public sealed record Eigenpairs(int Size, double[] Values, double[] Vectors);

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>The leading eigenpairs of a symmetric positive semi-definite matrix, with their certificate.</summary>
/// <param name="Size">The matrix is [Size, Size].</param>
/// <param name="Values">The k largest eigenvalues, descending.</param>
/// <param name="NextValue">Eigenvalue k + 1: how well the subspace is separated. A lower bound until it has converged too;
/// NaN where k equals the size.</param>
/// <param name="Vectors">[Size, k] row-major: column j belongs to Values[j]; signs fixed as in <see cref="Eigenpairs"/>.</param>
/// <param name="Residual">The largest |G u - lambda u| / lambda_1 of the k pairs, measured with the matrix itself.</param>
/// <param name="Orthogonality">The largest entry of |UᵀU - I|.</param>
/// <param name="Iterations">Products with G; 0 when the iteration was not tried.</param>
/// <param name="Converged">Whether the residual met the tolerance (always so after a full decomposition).</param>
/// <param name="FullDecomposition">Why the whole matrix was decomposed instead; null if it was not.</param>
public sealed record TopEigenpairs(
    int Size, double[] Values, double NextValue, double[] Vectors, double Residual, double Orthogonality, int Iterations,
    bool Converged, string? FullDecomposition);

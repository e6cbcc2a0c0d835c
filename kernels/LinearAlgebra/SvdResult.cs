namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>A singular value decomposition A = U diag(S) Vᵀ.</summary>
/// <param name="Rows">Rows of A.</param>
/// <param name="Columns">Columns of A.</param>
/// <param name="Values">[min(Rows, Columns)], descending.</param>
/// <param name="Left">U, [Rows, LeftCount] row-major with orthonormal columns; empty if not asked for.</param>
/// <param name="LeftCount">min(Rows, Columns), or Rows when full; 0 if not asked for.</param>
/// <param name="Right">V, [Columns, RightCount] row-major with orthonormal columns; empty if not asked for.</param>
/// <param name="RightCount">min(Rows, Columns), or Columns when full; 0 if not asked for.</param>
/// <param name="Sweeps">Jacobi sweeps until convergence.</param>
public sealed record SvdResult(
    int Rows, int Columns, double[] Values, double[] Left, int LeftCount, double[] Right, int RightCount, int Sweeps);

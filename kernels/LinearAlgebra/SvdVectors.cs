namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Which singular vectors <see cref="Svd"/> shall compute.</summary>
[Flags]
public enum SvdVectors
{
    /// <summary>The singular values alone.</summary>
    None = 0,

    /// <summary>The left ones: min(rows, columns) columns of length rows.</summary>
    Left = 1,

    /// <summary>The right ones: min(rows, columns) columns of length columns.</summary>
    Right = 2,

    /// <summary>Both thin sides.</summary>
    Both = Left | Right,

    /// <summary>Completes each side asked for to a square orthogonal matrix.</summary>
    Full = 4,
}

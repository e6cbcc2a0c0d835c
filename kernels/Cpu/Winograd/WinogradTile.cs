namespace EscNative.Kernels.Cpu;

/// <summary>How many outputs of a 3x3 convolution one Winograd tile computes.</summary>
public enum WinogradTile
{
    /// <summary>2x2 outputs from 4x4 inputs: 2.25 times fewer multiplications, and about the error of a direct convolution.</summary>
    F2x2,

    /// <summary>4x4 outputs from 6x6 inputs: 4 times fewer multiplications, and about ten times the error.</summary>
    F4x4,
}

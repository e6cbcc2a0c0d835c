namespace EscNative.Kernels.Cpu;

/// <summary>How many outputs of a 3x3 convolution one Winograd tile computes. Strides are 1 where no others are named.</summary>
public enum WinogradTile
{
    /// <summary>2x2 outputs from 4x4 inputs: 2.25 times fewer multiplications, and about the error of a direct convolution.</summary>
    F2x2,

    /// <summary>4x4 outputs from 6x6 inputs: 4 times fewer multiplications, and about ten times the error.</summary>
    F4x4,

    /// <summary>4x4 outputs of a convolution with strides 2, from 9x9 inputs: 1.8 times fewer multiplications, and about
    /// half the error of <see cref="F4x4"/>.</summary>
    F4x4Stride2,
}

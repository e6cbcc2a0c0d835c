namespace EscNative.Kernels.Cuda.Nvrtc;

/// <summary>What NVRTC made of a source.</summary>
/// <param name="Image">The machine code (cubin), or PTX text where a virtual architecture was asked for.</param>
/// <param name="Log">Warnings, and registers and spills where they were asked for.</param>
internal sealed record NvrtcResult(byte[] Image, string Log);

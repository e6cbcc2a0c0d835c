namespace EscNative.Kernels.Cuda.Driver;

/// <summary>How a kernel's activations lie in memory; the number indexes what <see cref="KernelFamily.Typed"/> returns.</summary>
public enum StorageType
{
    /// <summary>float32: kernels with the suffix <c>_f32</c>.</summary>
    F32,

    /// <summary>bfloat16 in memory, float32 in arithmetic: kernels with the suffix <c>_bf16</c>.</summary>
    BF16,

    /// <summary>float64: kernels with the suffix <c>_f64</c>.</summary>
    F64,
}

using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Bench.Measuring;

/// <summary>Names of the vector instructions at hand.</summary>
internal static class InstructionSets
{
    /// <summary>The widest that the kernels use here: the rule by which they choose.</summary>
    public static string InUse =>
        Vector512.IsHardwareAccelerated ? "AVX-512"
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? "AVX2"
        : Vector128.IsHardwareAccelerated ? "portable, 128 bit"
        : "portable, scalar";

    /// <summary>What the runtime found, most capable first.</summary>
    public static IReadOnlyList<string> Available
    {
        get
        {
            (string Name, bool Supported)[] sets =
            [
                ("AVX-512F", Avx512F.IsSupported),
                ("AVX2", Avx2.IsSupported),
                ("FMA", Fma.IsSupported),
                ("AVX", Avx.IsSupported),
                ("SSE4.2", Sse42.IsSupported),
                ("NEON", AdvSimd.IsSupported),
            ];
            return [.. sets.Where(set => set.Supported).Select(set => set.Name)];
        }
    }
}

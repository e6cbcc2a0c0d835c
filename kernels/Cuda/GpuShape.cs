using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>What of a device decides how work is cut: which tile a block takes, how many images a plan takes at a time.</summary>
/// <param name="Multiprocessors">How many multiprocessors it has, 1 or more.</param>
/// <param name="MultiplyAddClocks">Clocks in which a scheduler issues a float32 multiply-add of a warp: 1, or 2 where a multiprocessor has
/// 64 lanes instead of 128.</param>
/// <param name="Architecture">Its compute capability, as 80 for 8.0: which kernels it can run.</param>
/// <remarks>It may decide nothing that changes a bit of a result. What does (into how many pieces a sum is cut) follows from
/// <see cref="Nominal"/>, so that devices of one architecture agree.</remarks>
public readonly record struct GpuShape(int Multiprocessors, int MultiplyAddClocks = 1, int Architecture = 80)
{
    /// <summary>An H100 or H200 (SXM).</summary>
    public static GpuShape Nominal => new(132, Architecture: 90);

    /// <summary>The shape of a device in use.</summary>
    public static GpuShape Of(CudaContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Of(context.Multiprocessors, context.ComputeCapability);
    }

    /// <summary>The shape of a device.</summary>
    /// <param name="multiprocessors">How many it has.</param>
    /// <param name="capability">Its compute capability; of those since 8.0 only 8.0 itself (A100, A30) has 64 lanes.</param>
    public static GpuShape Of(int multiprocessors, (int Major, int Minor) capability) =>
        new(Math.Max(multiprocessors, 1), capability == (8, 0) ? 2 : 1, (10 * capability.Major) + capability.Minor);
}

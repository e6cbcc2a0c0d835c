using System.Text.RegularExpressions;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>How many blocks of a product kernel a multiprocessor holds, by what the compiler says: the table of kernels must not promise more.</summary>
internal static class TileResidency
{
    private const int Registers = 65_536;
    private const int RegisterUnit = 8;
    private const int SharedReserved = 1 << 10;

    /// <summary>What is wrong, or null; also where the kernel is none of the table's.</summary>
    public static string? Problem(KernelUsage usage, int architecture)
    {
        if (RowOf(usage.Kernel) is not { } row)
            return null;
        var byRegisters = Registers / ((usage.Registers + RegisterUnit - 1) / RegisterUnit * RegisterUnit * (int)ProductTiles.Threads);
        var byShared = SharedOf(architecture) / (usage.SharedBytes + SharedReserved);
        var resident = Math.Min(byRegisters, byShared);
        return resident >= row.Resident ? null : $"has {resident} blocks on a multiprocessor, the table promises {row.Resident}";
    }

    /// <summary>The table's row of a kernel in float32.</summary>
    public static ProductVariant? RowOf(string kernel) =>
        ProductVariants.All.FirstOrDefault(row => Regex.IsMatch(kernel, $"^{row.Name.Replace("xx", "[nt][nt]", StringComparison.Ordinal)}_f32$"));

    // Of a multiprocessor, in bytes (CUDA C++ programming guide, compute capabilities).
    private static int SharedOf(int architecture) => architecture switch { 80 => 164, 90 => 228, _ => 100 } << 10;
}

using System.Globalization;
using System.Text.RegularExpressions;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>How many blocks of a product kernel a multiprocessor holds, by what the compiler says: the table of tiles must not promise more.</summary>
internal static partial class TileResidency
{
    private const int Registers = 65_536;
    private const int RegisterUnit = 8;
    private const int SharedReserved = 1 << 10;

    /// <summary>What is wrong, or null; also where the kernel is none of the table's.</summary>
    public static string? Problem(KernelUsage usage, int architecture)
    {
        if (TileOf(usage.Kernel) is not { } tile)
            return null;
        var byRegisters = Registers / ((usage.Registers + RegisterUnit - 1) / RegisterUnit * RegisterUnit * (int)ProductTiles.Threads);
        var byShared = SharedOf(architecture) / (usage.SharedBytes + SharedReserved);
        var resident = Math.Min(byRegisters, byShared);
        return resident >= tile.Resident ? null : $"has {resident} blocks on a multiprocessor, its tile {tile} promises {tile.Resident}";
    }

    /// <summary>The table's row of a kernel in float32.</summary>
    public static ConvTile? TileOf(string kernel)
    {
        if (Name().Match(kernel) is not { Success: true } match)
            return null;
        var rows = int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        var columns = match.Groups[2].Success ? int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture) : rows;
        return ((ConvTile[])[ConvTile.Small, .. ConvTile.OfPixels, .. ConvTile.OfWeights]).First(t => (t.Rows, t.Columns) == (rows, columns));
    }

    // Of a multiprocessor, in bytes (CUDA C++ programming guide, compute capabilities).
    private static int SharedOf(int architecture) => architecture switch { 80 => 164, 90 => 228, _ => 100 } << 10;

    [GeneratedRegex(@"^(?:conv_forward|conv_data_gradient|conv_weight_gradient|gemm_[nt][nt])_(\d+)(?:x(\d+))?_f32$")]
    private static partial Regex Name();
}

using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>What the launches of gemm.cu and the convolutions share: the tiles of tile.cuh.</summary>
internal static class ProductTiles
{
    /// <summary>Threads of a block.</summary>
    public const uint Threads = 256;

    /// <summary>The most products in a sum, and the most columns of a result: the kernels count them in 32 bits, a tile beyond the end.</summary>
    public const int MostLength = 1 << 30;

    /// <summary>Bytes of a value of the type that sums are kept in.</summary>
    public static int AccumulatorBytes(DType type) => type == DType.F64 ? sizeof(double) : sizeof(float);

    /// <summary>How many tiles of a size cover a length.</summary>
    public static long Count(long length, int side) => (length + side - 1) / side;

    /// <summary>Cuts a sum into at most <paramref name="wanted"/> pieces of whole steps, none but the last shorter than <paramref name="least"/>.</summary>
    public static (int Splits, long Depth) Cut(DType type, long length, int wanted, int least)
    {
        // A step of tile.cuh: 64 bytes.
        var step = 64 / AccumulatorBytes(type);
        var pieces = Math.Clamp(length / least, 1, wanted);
        var depth = Math.Max(Count(Count(length, (int)pieces), step), 1) * step;
        return ((int)Math.Max(Count(length, (int)Math.Min(depth, int.MaxValue)), 1), depth);
    }

    /// <summary>A grid of one dimension.</summary>
    /// <exception cref="DeviceException">More blocks than a launch can have.</exception>
    public static LaunchShape Grid(string operation, long blocks) => blocks <= int.MaxValue
        ? new LaunchShape((uint)blocks, 1, 1, Threads)
        : throw new DeviceException($"{operation}: takes {blocks} blocks, a launch has at most {int.MaxValue}; pass fewer rows at once");
}

using System.Runtime.CompilerServices;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed unsafe partial class CudaBackend
{
    private CopyKernels? _copies;

    private CopyKernels Copies => Once(ref _copies, static b => new CopyKernels(b.Context));

    public override void Fill(Tensor y, double value)
    {
        using var call = KernelCall.Begin();
        var bits = Bits(y.DType, value);
        if (y.IsContiguous)
        {
            Copies.Fill(y.DType.Size(), bits, y.Pointer, y.Count);
            return;
        }

        // One value that every place of the view copies.
        using var one = new CudaWorkspace(Pool, sizeof(ulong), "Fill");
        Copies.Fill(sizeof(ulong), bits, one.Pointer, 1);
        Copies.Copy(y.DType.Size(), one.Pointer, y.Pointer, y.Count, Merged(y.Shape, default, y.Strides));
    }

    public override void Copy(Tensor source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        // First, since the address of a disposed tensor throws, however few values it has.
        var (from, to, size) = (source.Pointer, destination.Pointer, destination.DType.Size());
        if (destination.Count == 0)
            return;
        if (source.IsContiguous && destination.IsContiguous)
            _context.Stream.Copy(from, to, destination.Count * size);
        else
            Copies.Copy(size, from, to, destination.Count, Merged(destination.Shape, source.Strides, destination.Strides));
    }

    // The types are numbered alike here and there.
    public override void Convert(Tensor source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        Copies.Convert(source.DType, destination.DType, source.Pointer, destination.Pointer, destination.Count);
    }

    /// <summary>Copies blocks of float32 that stand apart, for each image; only within a <see cref="KernelCall"/>.</summary>
    /// <param name="images">How many images.</param>
    /// <param name="blocks">Blocks of each.</param>
    /// <param name="length">Values of each block.</param>
    /// <param name="from">The first block.</param>
    /// <param name="fromImage">Values from one image to the next, 0 for the same again.</param>
    /// <param name="fromBlock">Values from one block to the next.</param>
    /// <param name="to">Where the first goes; no overlap.</param>
    /// <param name="toImage">Values from one image to the next.</param>
    /// <param name="toBlock">Values from one block to the next.</param>
    public void CopyBlocks(long images, long blocks, long length, nint from, long fromImage, long fromBlock, nint to, long toImage, long toBlock) => Copies.Copy(
        sizeof(float), from, to, images * blocks * length, Broadcast.Of([images, blocks, length], [fromImage, fromBlock, 1], [toImage, toBlock, 1]));

    private static ulong Bits(DType type, double value) => type switch
    {
        DType.F32 => BitConverter.SingleToUInt32Bits((float)value),
        DType.F64 => BitConverter.DoubleToUInt64Bits(value),
        DType.BF16 => Converted<BFloat16, ushort>(value),
        DType.I32 => (uint)Converted<int, int>(value),
        _ => Converted<byte, byte>(value),
    };

    private static TBits Converted<T, TBits>(double value)
        where T : unmanaged
        where TBits : unmanaged
    {
        T converted;
        Conversion.Convert(&value, &converted, 1);
        return Unsafe.BitCast<T, TBits>(converted);
    }
}

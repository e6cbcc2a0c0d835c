using System.Buffers;
using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Models.Data;

/// <summary>Batches on a GPU: the images travel as bytes, and are cropped, mirrored and normalised there. The same bits as on the host.</summary>
internal sealed class DeviceImages(CudaContext context, Device device, ImageSet set, float[] table)
{
    private readonly ImageKernels _kernels = new(context);

    /// <summary>The changed images, [n, h, w, c], float32.</summary>
    /// <param name="indices">Their positions in the set.</param>
    /// <param name="changes">What happens to each; the index is its position in the batch.</param>
    public Tensor Load(ReadOnlySpan<int> indices, ReadOnlySpan<ImageChange> changes)
    {
        using var scope = Tensor.Scope();
        var shape = new Shape(indices.Length, set.Height, set.Width, set.Channels);
        var pixels = Upload(indices, shape);
        var change = Tensor.From(MemoryMarshal.AsBytes(changes), changes.Length * Marshal.SizeOf<ImageChange>(), device);
        var look = Tensor.From(table, table.Length, device);
        var y = Tensor.Zeros(shape, DType.F32, device);
        using var call = KernelCall.Begin();
        _kernels.Load(
            DType.F32, CudaInterop.AddressOf(pixels), CudaInterop.AddressOf(look), CudaInterop.AddressOf(change), CudaInterop.AddressOf(y),
            indices.Length, new ImageBatch(set.Height, set.Width, set.Channels, set.Height, set.Width, indices.Length));
        return scope.Keep(y);
    }

    private Tensor Upload(ReadOnlySpan<int> indices, Shape shape)
    {
        var bytes = indices.Length * set.ImageSize;
        var buffer = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            for (var i = 0; i < indices.Length; i++)
                set.Pixels(indices[i]).CopyTo(buffer.AsSpan(i * set.ImageSize));
            return Tensor.From(buffer.AsSpan(0, bytes), shape, device);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

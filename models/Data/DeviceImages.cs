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
    /// <param name="batch">Their bytes.</param>
    /// <param name="changes">What happens to each; the index is its position in the batch.</param>
    public Tensor Load(BatchPixels batch, ReadOnlySpan<ImageChange> changes)
    {
        using var scope = Tensor.Scope();
        var shape = new Shape(changes.Length, set.Height, set.Width, set.Channels);
        var pixels = Upload(batch, shape);
        var change = Tensor.From(MemoryMarshal.AsBytes(changes), changes.Length * Marshal.SizeOf<ImageChange>(), device);
        var look = Tensor.From(table, table.Length, device);
        var y = Tensor.Zeros(shape, DType.F32, device);
        using var call = KernelCall.Begin();
        _kernels.Load(
            DType.F32, CudaInterop.AddressOf(pixels), CudaInterop.AddressOf(look), CudaInterop.AddressOf(change), CudaInterop.AddressOf(y),
            changes.Length, new ImageBatch(set.Height, set.Width, set.Channels, set.Height, set.Width, changes.Length));
        return scope.Keep(y);
    }

    private Tensor Upload(BatchPixels batch, Shape shape)
    {
        var count = (int)shape[0];
        var bytes = count * set.ImageSize;
        var buffer = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            for (var i = 0; i < count; i++)
                batch[i].CopyTo(buffer.AsSpan(i * set.ImageSize));
            return Tensor.From(buffer.AsSpan(0, bytes), shape, device);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

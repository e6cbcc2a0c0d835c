using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using Vectors = EscNative.Kernels.Cpu.Elementwise;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Fill(Tensor y, double value) => Dispatch(y.DType, new FillJob(y, value));

    public override void Copy(Tensor source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        CopyStrided((void*)source.Pointer, source.Strides, destination);
    }

    public override void Convert(Tensor source, Tensor destination) => Dispatch(source.DType, new ConvertJob(source, destination));

    private static void CopyStrided(void* source, Strides sourceStrides, Tensor destination)
    {
        var rank = destination.Shape.Rank;
        Span<long> dims = stackalloc long[Shape.MaxRank];
        Span<long> from = stackalloc long[Shape.MaxRank];
        Span<long> to = stackalloc long[Shape.MaxRank];
        Dims(destination.Shape, dims);
        sourceStrides.CopyTo(from, rank);
        destination.Strides.CopyTo(to, rank);
        StridedCopy.Copy(source, from[..rank], (void*)destination.Pointer, to[..rank], dims[..rank], destination.DType.Size());
    }

    private readonly struct FillJob(Tensor y, double value) : IValueJob
    {
        void IValueJob.Run<T>()
        {
            T converted;
            var wide = value;
            Conversion.Convert(&wide, &converted, 1);
            // Of a view, one value that every place of it copies.
            if (y.IsContiguous)
                Vectors.Fill(y.PointerTo<T>(), converted, y.Count);
            else
                CopyStrided(&converted, default, y);
        }
    }

    private readonly struct ConvertJob(Tensor source, Tensor destination) : IValueJob
    {
        void IValueJob.Run<T>() => Dispatch(destination.DType, new ConvertJob<T>(source, destination));
    }

    private readonly struct ConvertJob<TFrom>(Tensor source, Tensor destination) : IValueJob
        where TFrom : unmanaged
    {
        void IValueJob.Run<T>() => Conversion.Convert(source.PointerTo<TFrom>(), destination.PointerTo<T>(), destination.Count);
    }
}

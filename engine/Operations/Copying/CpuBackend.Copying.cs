using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using Vectors = EscNative.Kernels.Cpu.Elementwise;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Fill(Tensor y, double value)
    {
        using var call = KernelCall.Begin();
        if (!y.IsContiguous)
        {
            // One value that every place of the view copies.
            var one = stackalloc byte[sizeof(double)];
            Fill(y.DType, one, value, 1);
            CopyStrided(one, default, y);
            return;
        }

        Fill(y.DType, (void*)y.Pointer, value, y.Count);
    }

    public override void Copy(Tensor source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        CopyStrided((void*)source.Pointer, source.Strides, destination);
    }

    public override void Convert(Tensor source, Tensor destination)
    {
        using var call = KernelCall.Begin();
        switch (source.DType)
        {
            case DType.F32: ConvertFrom(source.PointerTo<float>(), destination); break;
            case DType.F64: ConvertFrom(source.PointerTo<double>(), destination); break;
            case DType.BF16: ConvertFrom(source.PointerTo<BFloat16>(), destination); break;
            case DType.I32: ConvertFrom(source.PointerTo<int>(), destination); break;
            case DType.U8: ConvertFrom(source.PointerTo<byte>(), destination); break;
            default: throw UnknownType(source.DType);
        }
    }

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

    private static void Fill(DType type, void* y, double value, long count)
    {
        switch (type)
        {
            case DType.F32: Fill((float*)y, value, count); break;
            case DType.F64: Fill((double*)y, value, count); break;
            case DType.BF16: Fill((BFloat16*)y, value, count); break;
            case DType.I32: Fill((int*)y, value, count); break;
            case DType.U8: Fill((byte*)y, value, count); break;
            default: throw UnknownType(type);
        }
    }

    private static void Fill<T>(T* y, double value, long count)
        where T : unmanaged
    {
        T converted;
        Conversion.Convert(&value, &converted, 1);
        Vectors.Fill(y, converted, count);
    }

    private static void ConvertFrom<T>(T* source, Tensor destination)
        where T : unmanaged
    {
        switch (destination.DType)
        {
            case DType.F32: Conversion.Convert(source, destination.PointerTo<float>(), destination.Count); break;
            case DType.F64: Conversion.Convert(source, destination.PointerTo<double>(), destination.Count); break;
            case DType.BF16: Conversion.Convert(source, destination.PointerTo<BFloat16>(), destination.Count); break;
            case DType.I32: Conversion.Convert(source, destination.PointerTo<int>(), destination.Count); break;
            case DType.U8: Conversion.Convert(source, destination.PointerTo<byte>(), destination.Count); break;
            default: throw UnknownType(destination.DType);
        }
    }

    private static ArgumentOutOfRangeException UnknownType(DType type) => new(nameof(type), type, "not a value type");
}

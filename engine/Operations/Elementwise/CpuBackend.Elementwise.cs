using EscNative.Kernels;
using Vectors = EscNative.Kernels.Cpu.Elementwise;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Unary(UnaryOp op, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(y, "Unary"))
            Vectors.Unary(op, x.PointerTo<double>(), y.PointerTo<double>(), y.Count);
        else
            Vectors.Unary(op, x.PointerTo<float>(), y.PointerTo<float>(), y.Count);
    }

    public override void UnaryBackward(UnaryOp op, Tensor? saved, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(dx, "UnaryBackward"))
            Vectors.UnaryBackward(op, Optional<double>(saved), dy.PointerTo<double>(), dx.PointerTo<double>(), dx.Count);
        else
            Vectors.UnaryBackward(op, Optional<float>(saved), dy.PointerTo<float>(), dx.PointerTo<float>(), dx.Count);
    }

    public override void Binary(BinaryOp op, Tensor a, Tensor b, Tensor y)
    {
        using var call = KernelCall.Begin();
        var rank = y.Shape.Rank;
        Span<long> dims = stackalloc long[Shape.MaxRank];
        Span<long> aStrides = stackalloc long[Shape.MaxRank];
        Span<long> bStrides = stackalloc long[Shape.MaxRank];
        Dims(y.Shape, dims);
        a.Strides.CopyTo(aStrides, rank);
        b.Strides.CopyTo(bStrides, rank);
        if (IsDouble(y, "Binary"))
        {
            Vectors.Binary(
                op, a.PointerTo<double>(), aStrides[..rank], b.PointerTo<double>(), bStrides[..rank], y.PointerTo<double>(), dims[..rank]);
        }
        else
        {
            Vectors.Binary(
                op, a.PointerTo<float>(), aStrides[..rank], b.PointerTo<float>(), bStrides[..rank], y.PointerTo<float>(), dims[..rank]);
        }
    }

    public override void Affine(Tensor x, double scale, double shift, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(y, "Affine"))
            Vectors.Affine(x.PointerTo<double>(), scale, shift, y.PointerTo<double>(), y.Count);
        else
            Vectors.Affine(x.PointerTo<float>(), scale, shift, y.PointerTo<float>(), y.Count);
    }

    public override void Divide(Tensor x, double divisor, Tensor y)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(y, "Divide"))
            Vectors.Divide(x.PointerTo<double>(), divisor, y.PointerTo<double>(), y.Count);
        else
            Vectors.Divide(x.PointerTo<float>(), divisor, y.PointerTo<float>(), y.Count);
    }

    public override void AddInto(Tensor sum, Tensor x)
    {
        using var call = KernelCall.Begin();
        if (IsDouble(sum, "AddInto"))
            Vectors.Axpy(1, x.PointerTo<double>(), sum.PointerTo<double>(), sum.Count);
        else
            Vectors.Axpy(1, x.PointerTo<float>(), sum.PointerTo<float>(), sum.Count);
    }
}

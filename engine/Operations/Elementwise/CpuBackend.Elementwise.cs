using EscNative.Kernels;
using Vectors = EscNative.Kernels.Cpu.Elementwise;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Unary(UnaryOp op, Tensor x, Tensor y) => Dispatch(y, "Unary", new UnaryJob(op, x, y));

    public override void UnaryBackward(UnaryOp op, Tensor? saved, Tensor dy, Tensor dx) =>
        Dispatch(dx, "UnaryBackward", new UnaryBackwardJob(op, saved, dy, dx));

    public override void Binary(BinaryOp op, Tensor a, Tensor b, Tensor y) => Dispatch(y, "Binary", new BinaryJob(op, a, b, y));

    public override void Affine(Tensor x, double scale, double shift, Tensor y) => Dispatch(y, "Affine", new AffineJob(x, scale, shift, y));

    public override void Divide(Tensor x, double divisor, Tensor y) => Dispatch(y, "Divide", new DivideJob(x, divisor, y));

    public override void AddInto(Tensor sum, Tensor x) => Dispatch(sum, "AddInto", new AddIntoJob(sum, x));

    private readonly struct UnaryJob(UnaryOp op, Tensor x, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => Vectors.Unary(op, x.PointerTo<T>(), y.PointerTo<T>(), y.Count);
    }

    private readonly struct UnaryBackwardJob(UnaryOp op, Tensor? saved, Tensor dy, Tensor dx) : IFloatJob
    {
        void IFloatJob.Run<T>() => Vectors.UnaryBackward(op, Optional<T>(saved), dy.PointerTo<T>(), dx.PointerTo<T>(), dx.Count);
    }

    private readonly struct BinaryJob(BinaryOp op, Tensor a, Tensor b, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>()
        {
            var rank = y.Shape.Rank;
            Span<long> dims = stackalloc long[Shape.MaxRank];
            Span<long> aStrides = stackalloc long[Shape.MaxRank];
            Span<long> bStrides = stackalloc long[Shape.MaxRank];
            Dims(y.Shape, dims);
            a.Strides.CopyTo(aStrides, rank);
            b.Strides.CopyTo(bStrides, rank);
            Vectors.Binary(op, a.PointerTo<T>(), aStrides[..rank], b.PointerTo<T>(), bStrides[..rank], y.PointerTo<T>(), dims[..rank]);
        }
    }

    private readonly struct AffineJob(Tensor x, double scale, double shift, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => Vectors.Affine(x.PointerTo<T>(), scale, shift, y.PointerTo<T>(), y.Count);
    }

    private readonly struct DivideJob(Tensor x, double divisor, Tensor y) : IFloatJob
    {
        void IFloatJob.Run<T>() => Vectors.Divide(x.PointerTo<T>(), divisor, y.PointerTo<T>(), y.Count);
    }

    private readonly struct AddIntoJob(Tensor sum, Tensor x) : IFloatJob
    {
        void IFloatJob.Run<T>() => Vectors.Axpy(1, x.PointerTo<T>(), sum.PointerTo<T>(), sum.Count);
    }
}

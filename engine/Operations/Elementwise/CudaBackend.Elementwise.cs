using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed unsafe partial class CudaBackend
{
    private ElementwiseKernels? _elementwise;

    public ElementwiseKernels Elementwise => Once(ref _elementwise, static b => new ElementwiseKernels(b.Context));

    public override void Unary(UnaryOp op, Tensor x, Tensor y)
    {
        using var call = KernelCall.Begin();
        Elementwise.Unary(FloatType(y, "Unary"), op, x.Pointer, y.Pointer, y.Count);
    }

    public override void UnaryBackward(UnaryOp op, Tensor? saved, Tensor dy, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Elementwise.UnaryBackward(FloatType(dx, "UnaryBackward"), op, Optional(saved), dy.Pointer, dx.Pointer, dx.Count);
    }

    public override void Binary(BinaryOp op, Tensor a, Tensor b, Tensor y)
    {
        using var call = KernelCall.Begin();
        var type = FloatType(y, "Binary");
        var shape = Merged(y.Shape, a.Strides, b.Strides);
        // Most operations are on whole tensors, or on a tensor and a number.
        if (shape is { Rank: 1 } && IsStep(shape.FirstStride(0)) && IsStep(shape.SecondStride(0)))
            Elementwise.Binary(type, op, a.Pointer, (int)shape.FirstStride(0), b.Pointer, (int)shape.SecondStride(0), y.Pointer, y.Count);
        else
            Elementwise.BinaryStrided(type, op, a.Pointer, b.Pointer, y.Pointer, y.Count, shape);
    }

    public override void Affine(Tensor x, double scale, double shift, Tensor y)
    {
        using var call = KernelCall.Begin();
        Elementwise.Affine(FloatType(y, "Affine"), x.Pointer, scale, shift, y.Pointer, y.Count);
    }

    public override void Divide(Tensor x, double divisor, Tensor y)
    {
        using var call = KernelCall.Begin();
        Elementwise.Divide(FloatType(y, "Divide"), x.Pointer, divisor, y.Pointer, y.Count);
    }

    public override void AddInto(Tensor sum, Tensor x)
    {
        using var call = KernelCall.Begin();
        Elementwise.AddInto(FloatType(sum, "AddInto"), sum.Pointer, x.Pointer, sum.Count);
    }

    private static bool IsStep(long stride) => stride is 0 or 1;

    private static Broadcast Merged(Shape shape, Strides first, Strides second)
    {
        var rank = shape.Rank;
        Span<long> extents = stackalloc long[Shape.MaxRank], a = stackalloc long[Shape.MaxRank], b = stackalloc long[Shape.MaxRank];
        for (var k = 0; k < rank; k++)
            extents[k] = shape[k];
        first.CopyTo(a, rank);
        second.CopyTo(b, rank);
        return Broadcast.Of(extents[..rank], a[..rank], b[..rank]);
    }

    private static nint Optional(Tensor? x) => x?.Pointer ?? 0;

    private static DType FloatType(Tensor x, string operation) => x.DType.IsFloat()
        ? x.DType
        : throw new DTypeException($"{operation}: got {x.DType} {x.Shape}, wants F32, BF16 or F64; convert it with To()");

    // For operations whose parameters and statistics have the type of their input, so that bfloat16 would lose them.
    private static DType WideType(Tensor x, string operation) => x.DType == DType.BF16
        ? throw new DTypeException($"{operation}: got {x.DType} {x.Shape}, whose statistics would be BF16 too; wants F32 or F64, convert it with To()")
        : FloatType(x, operation);
}

using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private ElementwiseKernels? _elementwise;
    private ImageKernels? _images;

    public ElementwiseKernels Elementwise => Once(ref _elementwise, static b => new ElementwiseKernels(b.Context));

    public ImageKernels Images => Once(ref _images, static b => new ImageKernels(b.Context));

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
}

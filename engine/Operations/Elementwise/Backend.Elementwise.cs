using EscNative.Kernels;

namespace EscNative.Engine;

internal abstract partial class Backend
{
    public abstract void Unary(UnaryOp op, Tensor x, Tensor y);

    /// <summary>dx = dy f'(.), from the operand or the result as <see cref="UnaryOp"/> says of each function (Negate: null).</summary>
    public abstract void UnaryBackward(UnaryOp op, Tensor? saved, Tensor dy, Tensor dx);

    /// <summary>y = a op b; a and b are expanded to y's shape and may be strided, with stride 0 where they repeat.</summary>
    public abstract void Binary(BinaryOp op, Tensor a, Tensor b, Tensor y);

    /// <summary>y = x scale + shift.</summary>
    public abstract void Affine(Tensor x, double scale, double shift, Tensor y);

    /// <summary>y = x / divisor, a true division.</summary>
    public abstract void Divide(Tensor x, double divisor, Tensor y);

    /// <summary>sum += x; same shape, both contiguous.</summary>
    public abstract void AddInto(Tensor sum, Tensor x);
}

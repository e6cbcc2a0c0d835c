using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Elementwise functions on a GPU; pointers are device addresses of contiguous values unless strides are given.</summary>
public sealed unsafe class ElementwiseKernels : KernelFamily
{
    // Values a thread takes: enough to hide the start of a block.
    private const int PerThread = 8;

    private readonly CudaFunction[] _unary;
    private readonly CudaFunction[] _unaryBackward;
    private readonly CudaFunction[] _binary;
    private readonly CudaFunction[] _binaryStrided;
    private readonly CudaFunction[] _affine;
    private readonly CudaFunction[] _affineWide;
    private readonly CudaFunction[] _divide;
    private readonly CudaFunction[] _addInto;

    /// <summary>Loads the kernels.</summary>
    public ElementwiseKernels(CudaContext context)
        : base(context, "elementwise")
    {
        _unary = Typed("unary");
        _unaryBackward = Typed("unary_backward");
        _binary = Typed("binary");
        _binaryStrided = Typed("binary_strided");
        _affine = Typed("affine");
        _affineWide = Typed("affine_acc64");
        _divide = Typed("divide");
        _addInto = Typed("add_into");
    }

    /// <summary>y = f(x), [n].</summary>
    public void Unary(DType type, UnaryOp op, nint x, nint y, long n)
    {
        if (n == 0)
            return;
        var code = (int)op;
        void** arguments = stackalloc void*[] { &code, &x, &y, &n };
        Stream.Launch(_unary[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>dx = dy f'(saved), [n].</summary>
    /// <param name="saved">The operand or the result, as <see cref="UnaryOp"/> says; 0 where it reads nothing.</param>
    public void UnaryBackward(DType type, UnaryOp op, nint saved, nint dy, nint dx, long n)
    {
        if (n == 0)
            return;
        var code = (int)op;
        void** arguments = stackalloc void*[] { &code, &saved, &dy, &dx, &n };
        Stream.Launch(_unaryBackward[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>y = a op b, [n], all contiguous; a step of 0 repeats one value of the operand, else it is 1.</summary>
    public void Binary(DType type, BinaryOp op, nint a, int stepA, nint b, int stepB, nint y, long n)
    {
        if (n == 0)
            return;
        var code = (int)op;
        void** arguments = stackalloc void*[] { &code, &a, &stepA, &b, &stepB, &y, &n };
        Stream.Launch(_binary[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>y = a op b, [n], y contiguous and the operands strided in its shape.</summary>
    public void BinaryStrided(DType type, BinaryOp op, nint a, nint b, nint y, long n, in Broadcast shape)
    {
        if (n == 0)
            return;
        var code = (int)op;
        fixed (Broadcast* s = &shape)
        {
            void** arguments = stackalloc void*[] { &code, &a, &b, &y, &n, s };
            Stream.Launch(_binaryStrided[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
        }
    }

    /// <summary>y = x scale + shift, [n]. Numbers that float32 cannot hold are taken as they are.</summary>
    public void Affine(DType type, nint x, double scale, double shift, nint y, long n)
    {
        if (n == 0)
            return;
        if (!Fits(type, scale))
        {
            Wide(type, x, scale, shift, 1, y, n);
            return;
        }

        var (scale32, shift32) = ((float)scale, (float)shift);
        void* s = type == DType.F64 ? &scale : &scale32, t = type == DType.F64 ? &shift : &shift32;
        void** arguments = stackalloc void*[] { &x, s, t, &y, &n };
        Stream.Launch(_affine[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>y = x / divisor, [n], a true division. A divisor that float32 cannot hold is taken as it is.</summary>
    public void Divide(DType type, nint x, double divisor, nint y, long n)
    {
        if (n == 0)
            return;
        if (!Fits(type, divisor))
        {
            Wide(type, x, 1, 0, divisor, y, n);
            return;
        }

        var divisor32 = (float)divisor;
        void* d = type == DType.F64 ? &divisor : &divisor32;
        void** arguments = stackalloc void*[] { &x, d, &y, &n };
        Stream.Launch(_divide[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>sum += x, [n].</summary>
    public void AddInto(DType type, nint sum, nint x, long n)
    {
        if (n == 0)
            return;
        void** arguments = stackalloc void*[] { &sum, &x, &n };
        Stream.Launch(_addInto[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    private void Wide(DType type, nint x, double scale, double shift, double divisor, nint y, long n)
    {
        void** arguments = stackalloc void*[] { &x, &scale, &shift, &divisor, &y, &n };
        Stream.Launch(_affineWide[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    private static bool Fits(DType type, double value) =>
        type == DType.F64 || value == 0 || !double.IsFinite(value) || float.IsNormal((float)value);
}

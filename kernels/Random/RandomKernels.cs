using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Random numbers of <see cref="Philox"/> on a GPU: the same bits as on the CPU.</summary>
public sealed unsafe class RandomKernels : KernelFamily
{
    private const int PerThread = 4;

    private readonly CudaFunction[] _uniform;
    private readonly CudaFunction[] _dropout;
    private readonly CudaFunction[] _applyMask;
    private readonly CudaFunction _normal;

    /// <summary>Loads the kernels.</summary>
    public RandomKernels(CudaContext context)
        : base(context, "random")
    {
        _uniform = Typed("uniform");
        _dropout = Typed("dropout");
        _applyMask = Typed("apply_mask");
        _normal = Function("normal_f32");
    }

    /// <summary>y[i] = word offset + i of the stream as a number in [0, 1), [n].</summary>
    public void Uniform(DType type, nint y, long n, ulong seed, ulong stream, ulong offset)
    {
        if (n == 0)
            return;
        void** arguments = stackalloc void*[] { &y, &n, &seed, &stream, &offset };
        Stream.Launch(_uniform[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>Standard normal numbers in float32, [n], as <see cref="Philox.Normal"/>.</summary>
    public void Normal(nint y, long n, ulong seed, ulong stream, ulong offset)
    {
        if (n == 0)
            return;
        void** arguments = stackalloc void*[] { &y, &n, &seed, &stream, &offset };
        Stream.Launch(_normal, LaunchShape.ForCount(n, 2), arguments);
    }

    /// <summary>mask[i] = 1 where uniform number i of the stream is at least p, else 0; y = x mask / (1 - p), [n].</summary>
    /// <param name="mask">uint8, [n].</param>
    public void Dropout(DType type, nint x, nint y, nint mask, double p, long n, ulong seed, ulong stream, ulong offset)
    {
        if (n == 0)
            return;
        // Whole numbers of 24 bits compare as their 2^-24-fold does.
        var threshold = (uint)Math.Ceiling(p * (1 << 24));
        var scale = 1.0 / (1.0 - p);
        var scale32 = (float)scale;
        void* s = type == DType.F64 ? &scale : &scale32;
        void** arguments = stackalloc void*[] { &x, &y, &mask, &threshold, s, &n, &seed, &stream, &offset };
        Stream.Launch(_dropout[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>dx = dy mask scale, [n].</summary>
    /// <param name="mask">uint8, [n].</param>
    public void ApplyMask(DType type, nint dy, nint mask, double scale, nint dx, long n)
    {
        if (n == 0)
            return;
        var scale32 = (float)scale;
        void* s = type == DType.F64 ? &scale : &scale32;
        void** arguments = stackalloc void*[] { &dy, &mask, s, &dx, &n };
        Stream.Launch(_applyMask[(int)type], LaunchShape.ForCount(n, PerThread), arguments);
    }
}

using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Filling, strided copies and conversions on a GPU.</summary>
public sealed unsafe class CopyKernels : KernelFamily
{
    private const int PerThread = 4;

    // By the number of a DType.
    private static readonly string[] Types = ["f32", "bf16", "f64", "i32", "u8"];

    // By the logarithm of a value's bytes.
    private readonly CudaFunction[] _fill;
    private readonly CudaFunction[] _copy;
    private readonly CudaFunction[,] _convert;

    /// <summary>Loads the kernels.</summary>
    public CopyKernels(CudaContext context)
        : base(context, "copy")
    {
        _fill = [Function("fill_b8"), Function("fill_b16"), Function("fill_b32"), Function("fill_b64")];
        _copy = [Function("copy_strided_b8"), Function("copy_strided_b16"), Function("copy_strided_b32"), Function("copy_strided_b64")];
        _convert = new CudaFunction[Types.Length, Types.Length];
        for (var to = 0; to < Types.Length; to++)
        {
            for (var from = 0; from < Types.Length; from++)
                _convert[to, from] = Function($"convert_to_{Types[to]}_{Types[from]}");
        }
    }

    /// <summary>y = one value, [n].</summary>
    /// <param name="size">Bytes of a value: 1, 2, 4 or 8.</param>
    /// <param name="bits">The value's bits.</param>
    public void Fill(int size, ulong bits, nint y, long n)
    {
        if (n == 0)
            return;
        void** arguments = stackalloc void*[] { &bits, &y, &n };
        Stream.Launch(_fill[System.Numerics.BitOperations.Log2((uint)size)], LaunchShape.ForCount(n, PerThread), arguments);
    }

    /// <summary>Copies n values between two strided views of one shape: x by the first strides, y by the second.</summary>
    /// <param name="size">Bytes of a value: 1, 2, 4 or 8.</param>
    public void Copy(int size, nint x, nint y, long n, in Broadcast shape)
    {
        if (n == 0)
            return;
        fixed (Broadcast* s = &shape)
        {
            void** arguments = stackalloc void*[] { &x, &y, &n, s };
            Stream.Launch(_copy[System.Numerics.BitOperations.Log2((uint)size)], LaunchShape.ForCount(n, PerThread), arguments);
        }
    }

    /// <summary>y = x in another type, [n]; to nearest, halves to even; integers saturate, NaN becomes 0 in them.</summary>
    /// <param name="from">The type of x.</param>
    /// <param name="to">The type of y.</param>
    public void Convert(DType from, DType to, nint x, nint y, long n)
    {
        if (n == 0)
            return;
        void** arguments = stackalloc void*[] { &x, &y, &n };
        Stream.Launch(_convert[(int)to, (int)from], LaunchShape.ForCount(n, PerThread), arguments);
    }
}

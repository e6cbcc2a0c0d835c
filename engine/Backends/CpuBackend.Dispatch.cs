using System.Numerics;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    /// <summary>A member's work, written once for both types that the CPU computes in.</summary>
    private interface IFloatJob
    {
        void Run<T>()
            where T : unmanaged, INumberBase<T>;
    }

    /// <summary>A member's work, written once for every type that a tensor may have.</summary>
    private interface IValueJob
    {
        void Run<T>()
            where T : unmanaged;
    }

    // One call around the whole member: a job takes the addresses of its tensors within it.
    private static void Dispatch<TJob>(Tensor x, string operation, TJob job)
        where TJob : struct, IFloatJob
    {
        using var call = KernelCall.Begin();
        if (IsDouble(x, operation))
            job.Run<double>();
        else
            job.Run<float>();
    }

    private static void Dispatch<TJob>(DType type, TJob job)
        where TJob : struct, IValueJob
    {
        using var call = KernelCall.Begin();
        switch (type)
        {
            case DType.F32: job.Run<float>(); break;
            case DType.F64: job.Run<double>(); break;
            case DType.BF16: job.Run<BFloat16>(); break;
            case DType.I32: job.Run<int>(); break;
            case DType.U8: job.Run<byte>(); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "not a value type");
        }
    }

    private static bool IsDouble(Tensor x, string operation) => x.DType switch
    {
        DType.F32 => false,
        DType.F64 => true,
        _ => throw new DTypeException($"{operation}: the CPU got {x.DType} {x.Shape}, computes in F32 and F64; convert it with To()"),
    };
}

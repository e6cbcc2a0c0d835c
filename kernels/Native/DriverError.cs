using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The driver's error numbers that are treated in their own way, and the text of all of them.</summary>
internal static unsafe class DriverError
{
    public const int OutOfMemory = 2;
    public const int NoDevice = 100;
    public const int InvalidImage = 200;
    public const int NoBinaryForDevice = 209;
    public const int NotFound = 500;
    public const int NotReady = 600;

    /// <summary>Whether the context is of no use any more: every later call on it fails with the same error.</summary>
    public static bool IsSticky(int error) => error is
        4 // the driver is shutting down
        or 214 or 220 // ECC, NVLink
        or 700 or 702 or 709 or 710 // illegal address, time limit, destroyed context, device assert
        or (>= 714 and <= 719) // stack, instruction, alignment, address space, program counter, launch failure
        or 721;

    /// <summary>Name, number and text: <c>CUDA_ERROR_INVALID_VALUE (1): invalid argument</c>.</summary>
    public static string Text(int error)
    {
        byte* name = null, text = null;
        _ = DriverApi.cuGetErrorName(error, &name);
        _ = DriverApi.cuGetErrorString(error, &text);
        return $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"} ({error}): {Marshal.PtrToStringUTF8((nint)text) ?? "no text"}";
    }
}

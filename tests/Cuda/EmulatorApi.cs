using System.Runtime.InteropServices;
using System.Text;

namespace EscNative.Tests.Cuda;

/// <summary>The controls that the emulated machine has beside CUDA's API.</summary>
public static unsafe class EmulatorApi
{
    private static readonly Lazy<nint> Library = new(() =>
        NativeLibrary.Load(Path.Combine(Environment.GetEnvironmentVariable("ESC_CUDA_PATH")!, "libcuda.so.1")));

    /// <summary>The order in which threads and blocks run, in launches by the calling thread.</summary>
    public static void Schedule(int mode, ulong seed) =>
        Check(((delegate* unmanaged<int, ulong, int>)Export("escEmulatorSchedule"))(mode, seed));

    /// <summary>Only the first and the last block of a launch by the calling thread run, until it chooses a schedule.</summary>
    public static void Ends() => Check(((delegate* unmanaged<int>)Export("escEmulatorEnds"))());

    /// <summary>How many errors the machine found since the last call, and the first of them.</summary>
    public static int Errors(out string first)
    {
        var text = stackalloc byte[2048];
        var count = ((delegate* unmanaged<byte*, int, int>)Export("escEmulatorErrors"))(text, 2048);
        first = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
        return count;
    }

    /// <summary>Lets the n-th next call of this name fail; sticky: and every later call of its context.</summary>
    public static void Fail(string call, int n, int code, bool sticky = false)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(call + '\0'))
            Check(((delegate* unmanaged<byte*, int, int, int, int>)Export("escEmulatorFail"))(name, n, code, sticky ? 1 : 0));
    }

    /// <summary>Takes back faults that were asked for, failures of contexts, reports, and this thread's schedule.</summary>
    public static void Reset() => ((delegate* unmanaged<void>)Export("escEmulatorReset"))();

    private static nint Export(string name) => NativeLibrary.GetExport(Library.Value, name);

    private static void Check(int result) => Assert.Equal(0, result);
}

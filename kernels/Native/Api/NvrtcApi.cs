using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The entry points of one loaded NVRTC. They return an nvrtcResult.</summary>
/// <remarks>An object rather than imports: the tests compile the kernels with the oldest and the newest NVRTC in one process.</remarks>
internal sealed unsafe class NvrtcApi(nint library)
{
    public readonly delegate* unmanaged<int*, int*, int> Version =
        (delegate* unmanaged<int*, int*, int>)NativeLibrary.GetExport(library, "nvrtcVersion");

    public readonly delegate* unmanaged<int, byte*> GetErrorString =
        (delegate* unmanaged<int, byte*>)NativeLibrary.GetExport(library, "nvrtcGetErrorString");

    public readonly delegate* unmanaged<int*, int> GetNumSupportedArchs =
        (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "nvrtcGetNumSupportedArchs");

    public readonly delegate* unmanaged<int*, int> GetSupportedArchs =
        (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "nvrtcGetSupportedArchs");

    // (program, source, name, headers, header texts, header names)
    public readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> CreateProgram =
        (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)NativeLibrary.GetExport(library, "nvrtcCreateProgram");

    public readonly delegate* unmanaged<nint*, int> DestroyProgram =
        (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "nvrtcDestroyProgram");

    public readonly delegate* unmanaged<nint, int, byte**, int> CompileProgram =
        (delegate* unmanaged<nint, int, byte**, int>)NativeLibrary.GetExport(library, "nvrtcCompileProgram");

    public readonly delegate* unmanaged<nint, nuint*, int> GetCubinSize =
        (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetCUBINSize");

    public readonly delegate* unmanaged<nint, byte*, int> GetCubin =
        (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetCUBIN");

    public readonly delegate* unmanaged<nint, nuint*, int> GetPtxSize =
        (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetPTXSize");

    public readonly delegate* unmanaged<nint, byte*, int> GetPtx =
        (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetPTX");

    public readonly delegate* unmanaged<nint, nuint*, int> GetProgramLogSize =
        (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, "nvrtcGetProgramLogSize");

    public readonly delegate* unmanaged<nint, byte*, int> GetProgramLog =
        (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, "nvrtcGetProgramLog");
}

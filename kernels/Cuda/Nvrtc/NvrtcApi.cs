using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda.Nvrtc;

/// <summary>The entry points of one loaded NVRTC, under its names. They return an nvrtcResult.</summary>
/// <remarks>An object rather than imports: the tests compile the kernels with the oldest and the newest NVRTC in one process.</remarks>
internal sealed unsafe class NvrtcApi(nint library)
{
    public readonly delegate* unmanaged<int*, int*, int> nvrtcVersion =
        (delegate* unmanaged<int*, int*, int>)NativeLibrary.GetExport(library, nameof(nvrtcVersion));

    public readonly delegate* unmanaged<int, byte*> nvrtcGetErrorString =
        (delegate* unmanaged<int, byte*>)NativeLibrary.GetExport(library, nameof(nvrtcGetErrorString));

    public readonly delegate* unmanaged<int*, int> nvrtcGetNumSupportedArchs =
        (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetNumSupportedArchs));

    public readonly delegate* unmanaged<int*, int> nvrtcGetSupportedArchs =
        (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetSupportedArchs));

    // (program, source, name, headers, header texts, header names)
    public readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> nvrtcCreateProgram =
        (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)NativeLibrary.GetExport(library, nameof(nvrtcCreateProgram));

    public readonly delegate* unmanaged<nint*, int> nvrtcDestroyProgram =
        (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, nameof(nvrtcDestroyProgram));

    public readonly delegate* unmanaged<nint, int, byte**, int> nvrtcCompileProgram =
        (delegate* unmanaged<nint, int, byte**, int>)NativeLibrary.GetExport(library, nameof(nvrtcCompileProgram));

    public readonly delegate* unmanaged<nint, nuint*, int> nvrtcGetCUBINSize =
        (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetCUBINSize));

    public readonly delegate* unmanaged<nint, byte*, int> nvrtcGetCUBIN =
        (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetCUBIN));

    public readonly delegate* unmanaged<nint, nuint*, int> nvrtcGetPTXSize =
        (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetPTXSize));

    public readonly delegate* unmanaged<nint, byte*, int> nvrtcGetPTX =
        (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetPTX));

    public readonly delegate* unmanaged<nint, nuint*, int> nvrtcGetProgramLogSize =
        (delegate* unmanaged<nint, nuint*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetProgramLogSize));

    public readonly delegate* unmanaged<nint, byte*, int> nvrtcGetProgramLog =
        (delegate* unmanaged<nint, byte*, int>)NativeLibrary.GetExport(library, nameof(nvrtcGetProgramLog));
}

using System.Runtime.InteropServices;
using System.Text;
using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Kernels.Cuda.Nvrtc;

/// <summary>NVIDIA's run-time compiler: CUDA C++ in, machine code out. It needs neither a GPU nor a driver.</summary>
internal sealed unsafe class NvrtcLibrary
{
    private readonly NvrtcApi _api;

    /// <param name="library">The handle of the loaded library.</param>
    /// <param name="path">Its file, where it is known.</param>
    /// <exception cref="DeviceException">It is no NVRTC of CUDA 11.8 or newer.</exception>
    public NvrtcLibrary(nint library, string? path = null)
    {
        try
        {
            _api = new NvrtcApi(library);
        }
        catch (EntryPointNotFoundException missing)
        {
            throw new DeviceException($"NVRTC: the library lacks an entry point ({missing.Message}); install NVRTC of CUDA 11.8 or newer", missing);
        }

        int major, minor;
        Check(_api.nvrtcVersion(&major, &minor), "nvrtcVersion");
        Version = new Version(major, minor);
        int count;
        Check(_api.nvrtcGetNumSupportedArchs(&count), "nvrtcGetNumSupportedArchs");
        Architectures = new int[count];
        fixed (int* architectures = Architectures)
            Check(_api.nvrtcGetSupportedArchs(architectures), "nvrtcGetSupportedArchs");
        IsEmulated = NativeLibrary.TryGetExport(library, "escEmulatorVersion", out _);
        Identity = $"{(IsEmulated ? "emulated " : "")}NVRTC {Version}{Build(path)}";
    }

    /// <summary>Whether it is the emulated one of the tests, whose output is no machine code.</summary>
    public bool IsEmulated { get; }

    /// <summary>What tells this compiler from others: emulated or not, its version, and its build as far as the file shows it.</summary>
    public string Identity { get; }

    /// <summary>The version of CUDA that it belongs to.</summary>
    public Version Version { get; }

    /// <summary>The architectures that it compiles for, as 80 for sm_80, rising.</summary>
    public int[] Architectures { get; }

    /// <summary>The architecture to compile for so that a device of a compute capability runs the result.</summary>
    /// <exception cref="DeviceException">The device is newer than this NVRTC, and of a new generation.</exception>
    public int ArchitectureFor(int major, int minor)
    {
        // Machine code runs on later devices of the same generation, never on another generation.
        var best = 0;
        foreach (var architecture in Architectures)
        {
            if (architecture / 10 == major && architecture % 10 <= minor)
                best = Math.Max(best, architecture);
        }

        return best != 0
            ? best
            : throw new DeviceException(
                $"NVRTC {Version} compiles for sm_{string.Join(", sm_", Architectures)}, not for this device's sm_{major}{minor}; install a newer NVRTC");
    }

    /// <summary>Compiles a source; its includes are found among the headers alone.</summary>
    /// <exception cref="DeviceException">It does not compile; the message holds the log.</exception>
    public NvrtcResult Compile(string name, string source, string[] headerNames, string[] headers, IReadOnlyList<string> options)
    {
        using var text = new NativeStrings([source, name, .. headers, .. headerNames, .. options]);
        var firstOption = 2 + (2 * headers.Length);
        nint program;
        Check(
            _api.nvrtcCreateProgram(&program, text[0], text[1], headers.Length, text.From(2), text.From(2 + headers.Length)), "nvrtcCreateProgram");
        try
        {
            var result = _api.nvrtcCompileProgram(program, options.Count, text.From(firstOption));
            var log = Log(program);
            if (result != 0)
                throw new DeviceException($"NVRTC {Version}: {name} does not compile ({Text(result)}) with {string.Join(' ', options)}:\n{log}");
            return new NvrtcResult(Image(program), log);
        }
        finally
        {
            _ = _api.nvrtcDestroyProgram(&program);
        }
    }

    // The version ends with the minor number; builds of one version differ in their full names (libnvrtc.so.12.4.127) or their sizes.
    private static string Build(string? path)
    {
        try
        {
            var file = path is null ? null : new FileInfo(path);
            file = file?.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return file is { Exists: true } ? $", {file.Name} of {file.Length} bytes" : "";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private byte[] Image(nint program)
    {
        nuint size;
        Check(_api.nvrtcGetCUBINSize(program, &size), "nvrtcGetCUBINSize");
        var isPtx = size == 0;
        if (isPtx)
            Check(_api.nvrtcGetPTXSize(program, &size), "nvrtcGetPTXSize");
        var image = new byte[size];
        fixed (byte* bytes = image)
            Check(isPtx ? _api.nvrtcGetPTX(program, bytes) : _api.nvrtcGetCUBIN(program, bytes), isPtx ? "nvrtcGetPTX" : "nvrtcGetCUBIN");
        return image;
    }

    private string Log(nint program)
    {
        nuint size;
        Check(_api.nvrtcGetProgramLogSize(program, &size), "nvrtcGetProgramLogSize");
        var log = new byte[size];
        fixed (byte* bytes = log)
            Check(_api.nvrtcGetProgramLog(program, bytes), "nvrtcGetProgramLog");
        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }

    private void Check(int result, string call)
    {
        if (result != 0)
            throw new DeviceException($"NVRTC: {call} failed: {Text(result)}");
    }

    private string Text(int result) => Marshal.PtrToStringUTF8((nint)_api.nvrtcGetErrorString(result)) ?? $"error {result}";
}

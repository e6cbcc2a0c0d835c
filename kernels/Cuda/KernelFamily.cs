using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>The kernels of one source file on one device, and a launch method for each, in the classes that derive from it.</summary>
/// <remarks>Functions are looked up once, into fields. A launch method returns at once when there is nothing to do.</remarks>
public abstract class KernelFamily
{
    private static readonly string[] Suffixes = ["_f32", "_bf16", "_f64"];

    private readonly CudaModule _module;

    /// <summary>Compiles the family, or takes it from the cache, and loads it.</summary>
    /// <param name="context">The device.</param>
    /// <param name="file">The source without its ending: "elementwise" for <c>elementwise.cu</c>.</param>
    /// <exception cref="DeviceException">The kernels cannot be compiled or loaded.</exception>
    protected KernelFamily(CudaContext context, string file)
    {
        Context = context;
        Stream = context.Stream;
        _module = context.Module(file);
    }

    /// <summary>The device.</summary>
    protected CudaContext Context { get; }

    /// <summary>The stream that everything is issued on.</summary>
    protected CudaStream Stream { get; }

    /// <summary>The kernel of a name.</summary>
    /// <exception cref="DeviceException">The file has none.</exception>
    protected CudaFunction Function(string name) => _module.Function(name);

    /// <summary>The kernel of a stem for F32, BF16 or F64.</summary>
    /// <exception cref="DeviceException">The file has none.</exception>
    protected CudaFunction Function(string stem, DType type) => _module.Function(stem + Suffixes[(int)type]);

    /// <summary>The kernels of a stem by <see cref="DType"/>: for F32, BF16 (float32 in arithmetic) and F64.</summary>
    /// <exception cref="DeviceException">The file lacks one of them.</exception>
    protected CudaFunction[] Typed(string stem) => Array.ConvertAll(Suffixes, suffix => _module.Function(stem + suffix));
}

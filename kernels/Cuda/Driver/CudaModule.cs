using System.Text;

namespace EscNative.Kernels.Cuda.Driver;

/// <summary>Machine code of one family, loaded on a device. It lives as long as its context.</summary>
public sealed unsafe class CudaModule
{
    private readonly CudaContext _context;
    private readonly string _family;
    private nint _handle;

    internal CudaModule(CudaContext context, string family, ReadOnlySpan<byte> image)
    {
        _context = context;
        _family = family;
        context.MakeCurrent();
        nint handle;
        fixed (byte* bytes = image)
            context.Check(DriverApi.cuModuleLoadData(&handle, bytes));
        _handle = handle;
    }

    /// <summary>The kernel of a name.</summary>
    /// <exception cref="DeviceException">The module has none.</exception>
    public CudaFunction Function(string name)
    {
        _context.MakeCurrent();
        nint function;
        var text = Encoding.UTF8.GetBytes(name + '\0');
        fixed (byte* bytes = text)
        {
            var error = DriverApi.cuModuleGetFunction(&function, _handle, bytes);
            if (error == DriverApi.CUDA_ERROR_NOT_FOUND)
                throw new DeviceException($"{_context}: {_family}.cu has no kernel {name}");
            _context.Check(error, nameof(DriverApi.cuModuleGetFunction));
        }

        return new CudaFunction(function, name);
    }

    internal void Unload()
    {
        if (_handle != 0 && _context.TryMakeCurrent())
            _ = DriverApi.cuModuleUnload(_handle);
        _handle = 0;
    }
}

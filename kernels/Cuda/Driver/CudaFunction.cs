namespace EscNative.Kernels.Cuda.Driver;

/// <summary>A kernel of a loaded module. It is valid as long as its context.</summary>
public readonly struct CudaFunction
{
    internal CudaFunction(nint handle, string name)
    {
        Handle = handle;
        Name = name;
    }

    /// <summary>The kernel's name.</summary>
    public string Name { get; }

    internal nint Handle { get; }
}

using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>The loaded kernels of a pass: for each row of the table that the device can run, one for each of its types.</summary>
internal sealed class ProductFunctions
{
    private readonly ProductVariant[] _rows;
    private readonly CudaFunction[][] _functions;

    /// <summary>Loads them.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="gpu">The device.</param>
    /// <param name="load">Gives the kernel of a name and type.</param>
    /// <param name="layout">The layout of a matrix product.</param>
    public ProductFunctions(ProductPass pass, GpuShape gpu, Func<string, DType, CudaFunction> load, string layout = "")
    {
        _rows = Array.FindAll(ProductVariants.Of(pass), row => gpu.Architecture >= row.LeastArchitecture);
        _functions = Array.ConvertAll(
            _rows, row => Array.ConvertAll(row.Types, type => load(row.Name.Replace("xx", layout, StringComparison.Ordinal), type)));
    }

    /// <summary>The kernel of a row.</summary>
    public CudaFunction Of(ProductVariant row, DType type) => _functions[Array.IndexOf(_rows, row)][Array.IndexOf(row.Types, type)];
}

using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary>What a solver on a GPU works on: the problem's features where they lie on that device, or a copy of them.</summary>
/// <remarks>Made and used within one <see cref="KernelCall"/>, for which the addresses hold.</remarks>
internal sealed class CudaOperand : IDisposable
{
    private readonly CudaFeatures? _features;
    private readonly List<IDisposable> _owned = [];

    public CudaOperand(CudaContext context, SubspaceProblem problem)
    {
        (Context, Problem, Dimension) = (context, problem, problem.Dimension);
        if (problem.Device is { } features && features.Context == context)
            _features = features;
        Kernels = new SubspaceKernels(context);
    }

    public CudaContext Context { get; }

    public SubspaceProblem Problem { get; }

    public int Dimension { get; }

    public SubspaceKernels Kernels { get; }

    /// <summary>The device address of G, [d, d] float64.</summary>
    public nint Gram => _features?.Gram ?? (field != 0 ? field : field = Upload<double>(Problem.Gram));

    /// <summary>The device address of the rows, [n, d] float32.</summary>
    public nint Rows => _features is { KeepsRows: true } kept ? kept.Rows : field != 0 ? field : field = Upload(Problem.Rows);

    /// <summary>The address of device memory that lives as long as this; its values are undefined.</summary>
    public nint AllocatePointer<T>(long count)
        where T : unmanaged => Allocate<T>(count).Pointer;

    /// <summary>Device memory that lives as long as this; its values are undefined.</summary>
    public CudaDeviceVariable<T> Allocate<T>(long count)
        where T : unmanaged
    {
        var memory = new CudaDeviceVariable<T>(Context, count, $"subspace solver on {Context}");
        _owned.Add(memory);
        return memory;
    }

    /// <summary>The largest |G u - s² u| / s_1² of the columns u of a basis, [d, k].</summary>
    public double Residual(double[] basis, int k, double[] singularValues)
    {
        if (k == 0)
            return 0;
        var squares = Allocate<double>(k);
        nint x = Upload<double>(basis), gx = AllocatePointer<double>(basis.Length);
        var values = Upload<double>([.. singularValues.Take(k).Select(s => s * s)]);
        Kernels.Multiply(Gram, x, gx, Dimension, Dimension, k);
        Kernels.Residual(x, gx, values, squares.Pointer, Dimension, k);
        return Math.Sqrt(squares.ToHost().Max()) / (singularValues[0] * singularValues[0]);
    }

    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
    }

    private nint Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var memory = Allocate<T>(values.Length);
        memory.CopyToDevice(values);
        return memory.Pointer;
    }
}

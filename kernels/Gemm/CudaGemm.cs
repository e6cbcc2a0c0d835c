using EscNative.Kernels.Cuda.Cublas;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Matrix products on a GPU, by cuBLAS where it is there and takes them, else by our kernels; <see cref="GemmPlan"/> chooses.</summary>
/// <remarks>The variable <c>ESC_CUDA_GEMM</c> sets the choice: <c>own</c> leaves cuBLAS alone, <c>cublas</c> demands that it is there.</remarks>
public sealed class CudaGemm : IDisposable
{
    /// <summary>The variable of the environment.</summary>
    public const string Variable = "ESC_CUDA_GEMM";

    private readonly CudaContext _context;
    private readonly GpuShape _gpu;
    private readonly CublasHandle? _cublas;
    private readonly Lock _making = new();
    private GemmKernels? _kernels;

    /// <summary>Finds cuBLAS, as far as the environment wants it.</summary>
    /// <exception cref="UsageException">The variable holds something else.</exception>
    /// <exception cref="DeviceException">cuBLAS is demanded and not there, or it does not start.</exception>
    public CudaGemm(CudaContext context)
        : this(context, Environment.GetEnvironmentVariable(Variable))
    {
    }

    internal CudaGemm(CudaContext context, string? choice)
    {
        (_context, _gpu) = (context, GpuShape.Of(context));
        _cublas = choice switch
        {
            null or "" => CublasHandle.TryCreate(context),
            "own" => null,
            "cublas" => new CublasHandle(context),
            _ => throw new UsageException($"{Variable}: got {choice}, wants own, cublas or nothing"),
        };
    }

    /// <summary>Whether cuBLAS is used for what it takes.</summary>
    public bool HasCublas => _cublas is not null;

    /// <summary>The version of cuBLAS, or null where it is not used.</summary>
    public Version? CublasVersion => _cublas?.Version;

    // Compiled when the first product needs them.
    private GemmKernels Kernels
    {
        get
        {
            if (Volatile.Read(ref _kernels) is { } kernels)
                return kernels;
            lock (_making)
                return _kernels ??= new GemmKernels(_context);
        }
    }

    /// <summary>Bytes of workspace that <see cref="Multiply"/> needs.</summary>
    public long WorkspaceBytes(DType type, in MatrixProduct product) => PlanOf(type, product).WorkspaceBytes(type, product);

    /// <summary>Computes a batch of products.</summary>
    /// <param name="type">The type of a, b and c.</param>
    /// <param name="product">The operands.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/>, or 0 for none.</param>
    /// <exception cref="DeviceException">cuBLAS or the device refuses.</exception>
    public void Multiply(DType type, in MatrixProduct product, nint workspace)
    {
        var plan = PlanOf(type, product);
        if (!plan.UsesCublas)
        {
            Kernels.Multiply(type, product, plan, workspace);
            return;
        }

        // Row-major is column-major transposed: cᵀ = op(b)ᵀ op(a)ᵀ, and a stored row-major matrix is its own transpose to cuBLAS.
        var stride = product.Inner == 1 ? product.OuterStride : product.InnerStride;
        _cublas!.Gemm(
            type, product.TransposeB, product.TransposeA, product.N, (int)product.M, product.K, product.Alpha,
            product.B, (int)product.LeadingB, stride.B, product.A, (int)product.LeadingA, stride.A, product.Beta,
            product.C, (int)product.LeadingC, stride.C, product.Batch);
    }

    /// <summary>Gives cuBLAS and its workspace back.</summary>
    public void Dispose() => _cublas?.Dispose();

    private GemmPlan PlanOf(DType type, in MatrixProduct product) => GemmPlan.Of(type, product, HasCublas, _gpu);
}

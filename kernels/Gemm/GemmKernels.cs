using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Matrix products by the kernels of gemm.cu.</summary>
public sealed unsafe class GemmKernels : KernelFamily
{
    // By layout.
    private readonly ProductFunctions[] _products;
    private readonly CudaFunction[] _sumSplits;

    /// <summary>Loads the kernels.</summary>
    /// <exception cref="DeviceException">They cannot be compiled or loaded.</exception>
    public GemmKernels(CudaContext context)
        : base(context, "gemm")
    {
        string[] layouts = ["nn", "nt", "tn", "tt"];
        var gpu = GpuShape.Of(context);
        _products = Array.ConvertAll(layouts, layout => new ProductFunctions(ProductPass.Matrix, gpu, Function, layout));
        _sumSplits = Typed("gemm_sum_splits");
    }

    /// <summary>Computes a batch of products.</summary>
    /// <param name="type">The type of a, b and c.</param>
    /// <param name="product">The operands.</param>
    /// <param name="plan">The kernel and the splits; not cuBLAS.</param>
    /// <param name="workspace"><see cref="GemmPlan.WorkspaceBytes"/>, or 0 for none.</param>
    /// <exception cref="DeviceException">The product is too large for one launch.</exception>
    internal void Multiply(DType type, in MatrixProduct product, in GemmPlan plan, nint workspace)
    {
        if (product.M * product.N * product.Batch == 0)
            return;
        if (Math.Max(product.N, product.K) > ProductTiles.MostLength)
            throw new DeviceException($"matrix product: got n = {product.N} and k = {product.K}, wants at most {ProductTiles.MostLength}");
        var task = new Task
        {
            A = product.A,
            B = product.B,
            C = product.C,
            Bias = product.Bias,
            Partials = workspace,
            LeadingA = product.LeadingA,
            LeadingB = product.LeadingB,
            LeadingC = product.LeadingC,
            OuterA = product.OuterStride.A,
            OuterB = product.OuterStride.B,
            OuterC = product.OuterStride.C,
            InnerA = product.InnerStride.A,
            InnerB = product.InnerStride.B,
            InnerC = product.InnerStride.C,
            M = product.M,
            N = product.N,
            K = product.K,
            Batch = product.Batch,
            Inner = product.Inner,
            Splits = plan.Splits,
            SplitDepth = plan.Depth,
            Relu = product.Relu ? 1 : 0,
        };
        var layout = (product.TransposeA ? 2 : 0) + (product.TransposeB ? 1 : 0);
        var kernel = plan.Kernel ?? throw new ArgumentException("matrix product: got a plan for cuBLAS, wants one with a kernel of the table", nameof(plan));
        var blocks = kernel.Blocks(product.M, product.N) * plan.Splits * product.Batch;
        // The factors have the accumulation type.
        var (alpha, beta) = (product.Alpha, product.Beta);
        var (alpha32, beta32) = ((float)alpha, (float)beta);
        var wide = type == DType.F64;
        void** arguments = stackalloc void*[] { &task, wide ? &alpha : &alpha32, wide ? &beta : &beta32 };
        Stream.Launch(_products[layout].Of(kernel, type), ProductTiles.Grid("matrix product", blocks), arguments);
        if (plan.Splits > 1)
            Stream.Launch(_sumSplits[(int)type], LaunchShape.ForCount(product.M * product.N * product.Batch), arguments);
    }

    // The same bytes as GemmTask in gemm.cu.
    [StructLayout(LayoutKind.Sequential)]
    private struct Task
    {
        public nint A, B, C, Bias, Partials;
        public long LeadingA, LeadingB, LeadingC;
        public long OuterA, OuterB, OuterC, InnerA, InnerB, InnerC;
        public long M;
        public int N, K, Batch, Inner, Splits, SplitDepth, Relu;
    }
}

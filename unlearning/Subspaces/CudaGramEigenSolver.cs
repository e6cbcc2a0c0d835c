using EscNative.Kernels;
using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary><see cref="GramEigenSolver"/> on a GPU, by cuSOLVER (syevd).</summary>
/// <param name="context">The device.</param>
public sealed class CudaGramEigenSolver(CudaContext context) : SubspaceSolver
{
    /// <inheritdoc/>
    public override string Name => "gram-eigen";

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        using var call = KernelCall.Begin();
        using var operand = new CudaOperand(context, problem);
        return Decompose(operand, k);
    }

    /// <summary>The whole spectrum of the operand's Gram matrix, and its first k directions.</summary>
    /// <exception cref="DeviceException">cuSOLVER is missing.</exception>
    internal static Spectrum Decompose(CudaOperand operand, int k)
    {
        var (context, d) = (operand.Context, operand.Dimension);
        var solver = CusolverHandle.Of(context);
        var vectors = operand.Allocate<double>((long)d * d);
        var values = operand.Allocate<double>(d);
        context.Stream.Copy(operand.Gram, vectors.Pointer, (long)d * d * sizeof(double));
        solver.Syevd(d, vectors.Pointer, values.Pointer);

        // Ascending: the wanted directions are the last rows.
        var singular = GramEigenSolver.SingularValues(values.ToHost());
        Array.Reverse(singular);
        var basis = CudaBasis.FromRows(vectors.ToHost((long)(d - k) * d), d, k, reversed: true);
        return new Spectrum
        {
            SingularValues = singular,
            Complete = true,
            Vectors = basis,
            Columns = k,
            Residual = operand.Residual(basis, k, singular),
            Solver = $"gram-eigen on {context} (syevd)",
        };
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cpu.LinearAlgebra;
using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary><see cref="SubspaceIterationSolver"/> on a GPU: it needs no library. Where it does not converge, the whole matrix is
/// decomposed, by cuSOLVER or else on the CPU, and the result says so.</summary>
public sealed class CudaSubspaceIterationSolver : SubspaceSolver
{
    private readonly CudaContext _context;
    private readonly SubspaceIterationOptions? _options;

    /// <summary>A solver.</summary>
    /// <param name="context">The device.</param>
    /// <param name="options">Null: the defaults, with 16 directions and more beside the wanted ones, and a tolerance that float32 features
    /// are worth: residual / gap at most 1e-10.</param>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public CudaSubspaceIterationSolver(CudaContext context, SubspaceIterationOptions? options = null)
    {
        _context = context;
        _options = options;
        options?.Validate();
    }

    /// <inheritdoc/>
    public override string Name => "subspace-iteration";

    internal override Spectrum Compute(SubspaceProblem problem, int k, CancellationToken cancel)
    {
        using var call = KernelCall.Begin();
        using var operand = new CudaOperand(_context, problem);
        var iteration = new CudaSubspaceIteration(operand, k, problem.Energy, _options);
        var spectrum = iteration.Run(cancel);
        return iteration.Failure is { } why ? Whole(operand, k, why) with { Iterations = iteration.Products } : spectrum!;
    }

    private Spectrum Whole(CudaOperand operand, int k, string why)
    {
        if (CusolverHandle.UnavailableReason is null)
        {
            var whole = CudaGramEigenSolver.Decompose(operand, k);
            return whole with { Solver = $"{Name} -> {whole.Solver}", Notes = [$"decomposed the whole matrix: {why}"] };
        }

        return new GramEigenSolver().Compute(operand.Problem, k, default) with
        {
            Solver = $"{Name} -> gram-eigen on the CPU",
            Notes = [$"decomposed the whole matrix: {why}", "on the CPU, because cuSOLVER is not there"],
        };
    }
}

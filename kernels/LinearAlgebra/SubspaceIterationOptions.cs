namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>How <see cref="SubspaceIteration"/> works.</summary>
public sealed record SubspaceIterationOptions
{
    /// <summary>Directions carried beside the k wanted ones; null: max(8, k / 2).</summary>
    public int? Oversampling { get; init; }

    /// <summary>Converged when |G u - lambda u| / lambda_1 is at most this for every wanted pair.</summary>
    public double Tolerance { get; init; } = 1e-14;

    /// <summary>Products with G before it gives up.</summary>
    public int MaxIterations { get; init; } = 100;

    /// <summary>Decompose the whole matrix when the iteration gives up (the result says so); otherwise return what it has, with
    /// <see cref="TopEigenpairs.Converged"/> false.</summary>
    public bool FallBack { get; init; } = true;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "subspace iteration";
        UsageException.RequireCount(operation, "oversampling", Oversampling, least: 0);
        UsageException.RequirePositive(operation, "tolerance", Tolerance);
        UsageException.RequireCount(operation, "max iterations", MaxIterations);
    }
}

namespace EscNative.Bench.Reports;

/// <summary>What <c>micro</c> found out.</summary>
/// <param name="Engine">The measuring library and its version.</param>
/// <param name="Job">How long each benchmark ran: full, short or dry.</param>
/// <param name="Rows">One for each benchmark.</param>
internal sealed record MicroResult(string Engine, string Job, IReadOnlyList<MicroRow> Rows);

/// <summary>One benchmark.</summary>
/// <param name="Suite">The class that it belongs to.</param>
/// <param name="Name">What is measured.</param>
/// <param name="Parameters">With which sizes.</param>
/// <param name="MeanNanoseconds">Of an operation.</param>
/// <param name="MedianNanoseconds">Of an operation.</param>
/// <param name="ErrorNanoseconds">Half of the 99.9 % confidence interval of the mean; NaN for a single iteration.</param>
/// <param name="AllocatedBytes">Managed memory of an operation; null where it was not counted.</param>
/// <param name="Iterations">How many iterations the figures come from.</param>
internal sealed record MicroRow(
    string Suite, string Name, string Parameters, double MeanNanoseconds, double MedianNanoseconds, double ErrorNanoseconds, long? AllocatedBytes, int Iterations)
{
    /// <summary>Of an operation in each iteration, in order; absent in results of before they were kept.</summary>
    public IReadOnlyList<double>? SamplesNanoseconds { get; init; }
}

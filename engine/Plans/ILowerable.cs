namespace EscNative.Engine.Plans;

/// <summary>What describes its computation to a plan, operation by operation: a module of a network.</summary>
public interface ILowerable
{
    /// <summary>Everything below this one with its dotted name, parents before children: what a plan's steps are called.</summary>
    IEnumerable<(string Name, ILowerable Part)> NamedParts { get; }

    /// <summary>Describes what it computes in evaluation mode to a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="x">What it is applied to.</param>
    /// <returns>What it gives.</returns>
    /// <exception cref="ShapeException">It cannot be applied to that.</exception>
    /// <exception cref="UsageException">It does not say how it is lowered.</exception>
    PlanValue Lower(PlanBuilder plan, PlanValue x);
}

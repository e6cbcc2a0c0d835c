namespace EscNative.Unlearning.Statistics;

/// <summary>A smooth function of many variables.</summary>
internal interface IObjective
{
    /// <summary>How many variables.</summary>
    int Length { get; }

    /// <summary>The value at a point, and its gradient.</summary>
    /// <param name="point">[Length].</param>
    /// <param name="gradient">[Length]; overwritten.</param>
    double Evaluate(ReadOnlySpan<double> point, Span<double> gradient);

    /// <summary>Makes an approximation of the Hessian at a point.</summary>
    void UpdateCurvature(ReadOnlySpan<double> point);

    /// <summary>Replaces a vector [Length] by the solution of the last approximation with it.</summary>
    void SolveCurvature(Span<double> vector);
}

namespace EscNative.Unlearning;

/// <summary>A number that a method may be told by name, and what it is when it is not told.</summary>
/// <param name="Name">The name: <c>learning-rate</c>.</param>
/// <param name="Default">The published value.</param>
/// <param name="Description">What it is, with its unit.</param>
public sealed record MethodParameter(string Name, double Default, string Description)
{
    /// <summary>The smallest value that makes sense.</summary>
    public double Minimum { get; init; }

    /// <summary>The largest value that makes sense.</summary>
    public double Maximum { get; init; } = double.MaxValue;

    /// <summary>Whether only whole numbers make sense.</summary>
    public bool IsWhole { get; init; }
}

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>How the share of D_f that an attacker takes for training data is measured.</summary>
public sealed record MemberShareOptions
{
    /// <summary>The defaults.</summary>
    public static MemberShareOptions Default { get; } = new();

    /// <summary>
    /// Rows of each side that the support-vector classifiers learn from: drawn from D_r, and from the test set. The published code
    /// takes as many as the test set has. On CIFAR-10 2,000 of each take 2 seconds (2 threads) and 10,000 take 38; the shares of the
    /// Original were within 3 points of each other, which is more than their intervals say.
    /// </summary>
    public int Rows { get; init; } = 2000;

    /// <summary>The bound C of the support-vector classifiers; gamma is 1 / number of features.</summary>
    public double C { get; init; } = 3;

    /// <summary>Seed of the draw.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("member share", "rows", Rows);
        UsageException.RequirePositive("member share", "C", C);
    }
}

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>How the membership attack of table 1 is run. The defaults are the released code's.</summary>
public sealed record LossAttackOptions
{
    /// <summary>The defaults.</summary>
    public static LossAttackOptions Default { get; } = new();

    /// <summary>Stratified shuffle splits.</summary>
    public int Splits { get; init; } = 5;

    /// <summary>The share of the rows that a split tests on.</summary>
    public double TestShare { get; init; } = 0.1;

    /// <summary>Seed of the draw of rows and of the splits.</summary>
    public ulong Seed { get; init; }

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        UsageException.RequireCount("loss attack", "splits", Splits);
        UsageException.Require(TestShare is > 0 and < 1, "loss attack", "test share", TestShare, "a share between 0 and 1");
    }
}

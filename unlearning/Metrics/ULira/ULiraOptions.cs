namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>How offline U-LiRA is run.</summary>
public sealed record ULiraOptions
{
    /// <summary>The defaults.</summary>
    public static ULiraOptions Default { get; } = new();

    /// <summary>Models that are trained and made to forget: each is one training and one request. Published figures rest on 64 to 256.</summary>
    public int Shadows { get; init; } = 16;

    /// <summary>Training images that the attack is about, drawn by <see cref="Seed"/>. Each model trains on one half of them and forgets it.</summary>
    public int Targets { get; init; } = 500;

    /// <summary>
    /// An example has a variance of its own from so many models of a world on; below, all examples of the world share one (the advice
    /// of LiRA for few models).
    /// </summary>
    public int OwnVarianceFrom { get; init; } = 16;

    /// <summary>Seed of the targets, of who trains on which, and (with the model's number) of the trainings.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Where finished models' answers are kept, so that a cancelled run goes on; or null.</summary>
    public string? Folder { get; init; }

    /// <summary>Throws where a value makes no sense.</summary>
    /// <exception cref="UsageException">Names the value and what it may be.</exception>
    public void Validate()
    {
        const string operation = "U-LiRA";
        UsageException.Require(
            Shadows >= 6 && Shadows % 2 == 0, operation, "shadows", Shadows,
            "an even number from 6: a Gaussian needs two of each world beside the one that is left out");
        UsageException.RequireCount(operation, "targets", Targets, least: 2);
        UsageException.RequireCount(operation, "own variance from", OwnVarianceFrom, least: 2);
    }
}

using EscNative.Kernels;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>
/// The membership inference of ESC's table 1 (released code, mia.py): a logistic regression on the cross-entropy of single rows,
/// D_f as members against rows that no training saw. The reference is Retrain's value, not 50.
/// </summary>
/// <remarks>
/// Non-members are D_ft; a request of single images has none, then the whole test set stands in. Both sides are cut to the
/// smaller one after a shuffle. The regression is scikit-learn's (C = 1, intercept not penalised), at its optimum.
/// </remarks>
public static class LossAttack
{
    /// <summary>Runs the attack.</summary>
    /// <param name="data">Logits of the model under test.</param>
    /// <param name="options">How; <see cref="LossAttackOptions.Default"/> if null.</param>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static LossAttackResult Run(EvaluationData data, LossAttackOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= LossAttackOptions.Default;
        var sides = MembershipRows.Of(data, "loss attack");
        var m = Math.Min(sides.Members.Length, sides.NonMembers.Length);
        return Run(
            Draw(data.ForgetLosses, MetricStreams.LossMembers), Draw(data.UnseenLosses, MetricStreams.LossNonMembers), options);

        double[] Draw(IReadOnlyList<double> losses, ulong stream) =>
            [.. new RandomSource(options.Seed, stream).Permutation(losses.Count).Take(m).Select(i => losses[i])];
    }

    /// <summary>Runs the attack on given losses.</summary>
    /// <param name="members">Losses of members, [m].</param>
    /// <param name="nonMembers">Losses of as many others, [m].</param>
    /// <param name="options">How; <see cref="LossAttackOptions.Default"/> if null.</param>
    /// <exception cref="EscException">BadInput: other numbers of both.</exception>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static LossAttackResult Run(ReadOnlySpan<double> members, ReadOnlySpan<double> nonMembers, LossAttackOptions? options = null)
    {
        options ??= LossAttackOptions.Default;
        options.Validate();
        Guard.CheckCount("loss attack", "losses of non-members", nonMembers.Length, members.Length);
        var m = members.Length;
        double[] losses = [.. members, .. nonMembers];
        var isMember = Enumerable.Range(0, 2 * m).Select(i => i < m).ToArray();
        var tests = (int)Math.Ceiling(options.TestShare * 2 * m);
        if (tests < 2 || (2 * m) - tests < 2)
            return new LossAttackResult(null, [], m, 0, 0, 0);
        var random = new RandomSource(options.Seed, MetricStreams.LossFolds);
        var scores = new double[options.Splits];
        for (var s = 0; s < scores.Length; s++)
        {
            // Stratified: half of the tested rows of each side; an odd one in turns.
            var testMembers = (tests + (s % 2)) / 2;
            var (first, second) = (random.Permutation(m), random.Permutation(m));
            int[] test = [.. first[..testMembers], .. second[..(tests - testMembers)].Select(i => m + i)];
            int[] train = [.. first[testMembers..], .. second[(tests - testMembers)..].Select(i => m + i)];
            var fit = BinaryLogistic.Fit(Array.ConvertAll(train, i => losses[i]), 1, Array.ConvertAll(train, i => isMember[i]));
            scores[s] = 100.0 * test.Count(i => fit.Decision([losses[i]]) > 0 == isMember[i]) / tests;
        }

        var whole = BinaryLogistic.Fit(losses, 1, isMember);
        return new LossAttackResult(scores.Average(), scores, m, tests * scores.Length, whole.Coefficients[0], whole.Intercept);
    }
}

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

/// <summary>How well a threshold on the loss tells forgotten training rows from rows that no training saw.</summary>
/// <param name="Score">Mean accuracy over the splits, in per cent; null if either side has too few rows to split.</param>
/// <param name="Splits">The accuracy of each split, in per cent.</param>
/// <param name="Members">Rows of each side, m.</param>
/// <param name="TestedRows">Rows tested on, all splits together.</param>
/// <param name="Coefficient">Of the regression on all 2 m rows.</param>
/// <param name="Intercept">Of the regression on all 2 m rows.</param>
public sealed record LossAttackResult(
    double? Score, IReadOnlyList<double> Splits, int Members, int TestedRows, double Coefficient, double Intercept);

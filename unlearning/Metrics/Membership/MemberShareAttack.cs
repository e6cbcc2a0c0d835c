using System.Globalization;
using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>
/// Membership as in ESC's table 5: an attacker learns to tell D_r (members) from test images (non-members), and is asked about
/// D_f. The main text does not say which attacker; these are the two that its baselines publish.
/// </summary>
/// <remarks>
/// SalUn's (SVC_MIA): support-vector classifiers, C = 3, gamma = 1 / features, on correctness, confidence, entropy, modified
/// entropy and all probabilities; here modified entropy is that of Song and Mittal for every row (the published code mixes up rows
/// of a batch). Bad Teaching's and SSD's: the entropy, by logistic regression with balanced classes, in scikit-learn's
/// multinomial form, on all rows; its support-vector variant is SVC entropy. The ideal is Retrain's share. Where whole classes are
/// forgotten, no member that an attacker learns from is of these classes: the share by all probabilities is then near 0 for any model.
/// </remarks>
public static class MemberShareAttack
{
    /// <summary>Runs every attacker.</summary>
    /// <param name="data">Logits of the model under test.</param>
    /// <param name="options">How; <see cref="MemberShareOptions.Default"/> if null.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Cancels; nothing is returned then.</param>
    /// <returns>No attacker if there is nothing to forget, to remain or to test.</returns>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    /// <exception cref="UsageException">Options that make no sense.</exception>
    public static IReadOnlyList<MemberShare> Run(
        EvaluationData data, MemberShareOptions? options = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options ??= MemberShareOptions.Default;
        options.Validate();
        var asked = MembershipRows.Of(data, "member share").Members;
        var remain = data.Train.RowsOf(forgotten: false);
        int[] tests = [.. Enumerable.Range(0, data.Test.Rows)];
        if (asked.Length == 0 || remain.Length == 0 || tests.Length == 0)
            return [];
        var target = data.ForgetSignals;
        var shares = new List<MemberShare> { ByEntropy(data, remain, tests, target) };

        var rows = Math.Min(options.Rows, Math.Min(remain.Length, tests.Length));
        var members = MembershipSignals.Of(data.Train, FeatureSplit.Draw(remain, rows, options.Seed, MetricStreams.ShareMembers));
        var others = MembershipSignals.Of(data.Test, FeatureSplit.Draw(tests, rows, options.Seed, MetricStreams.ShareNonMembers));
        var features = new (string Name, Func<MembershipSignals, double[]> Select, int Width)[]
        {
            ("SVC correctness", s => s.Correct, 1), ("SVC confidence", s => s.Confidence, 1), ("SVC entropy", s => s.Entropy, 1),
            ("SVC modified entropy", s => s.ModifiedEntropy, 1), ("SVC probabilities", s => s.Probabilities, data.Classes),
        };
        var isMember = Enumerable.Range(0, 2 * rows).Select(i => i < rows).ToArray();
        foreach (var (name, select, width) in features)
        {
            progress?.Report((double)shares.Count / (features.Length + 1));
            var machine = SupportVectorMachine.Fit([.. select(members), .. select(others)], width, isMember, options.C, cancel: cancel);
            var taken = machine.Decisions(select(target), cancel).Count(d => d > 0);
            var setting = string.Create(
                CultureInfo.InvariantCulture, $"C {options.C}, {rows} + {rows} rows{(machine.Converged ? "" : ", not converged")}");
            shares.Add(new MemberShare(name, 100.0 * taken / asked.Length, setting));
        }

        progress?.Report(1);
        return shares;
    }

    private static MemberShare ByEntropy(EvaluationData data, int[] remain, int[] tests, MembershipSignals target)
    {
        double[] entropy = [.. MembershipSignals.Of(data.Train, remain).Entropy, .. MembershipSignals.Of(data.Test, tests).Entropy];
        var isMember = Enumerable.Range(0, entropy.Length).Select(i => i < remain.Length).ToArray();
        var fit = BinaryLogistic.Fit(entropy, 1, isMember, penalty: 0.5, balanced: true);
        var taken = target.Entropy.Count(e => fit.Decision([e]) > 0);
        return new MemberShare(
            "entropy, logistic regression", 100.0 * taken / target.Rows, $"{remain.Length} + {tests.Length} rows, balanced");
    }
}

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

/// <summary>The share of D_f that one attacker takes for training data.</summary>
/// <param name="Attack">The attacker: "SVC confidence".</param>
/// <param name="Percent">The share, in per cent. SalUn's "MIA efficacy" is 100 minus it.</param>
/// <param name="Setting">What the attacker learned from, for people.</param>
public sealed record MemberShare(string Attack, double Percent, string Setting);

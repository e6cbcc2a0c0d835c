using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>Who takes D_f for training data, as in ESC's table 5 (<see cref="MemberShareAttack"/>).</summary>
/// <param name="options">How it is measured.</param>
public sealed class MemberShareMetric(MemberShareOptions options) : IMetric
{
    /// <summary>The name.</summary>
    public const string Title = "member share";

    /// <inheritdoc/>
    public string Name => Title;

    /// <inheritdoc/>
    public MetricNeeds Needs => MetricNeeds.Losses;

    /// <inheritdoc/>
    public double Cost => 0.3;

    /// <inheritdoc/>
    public object? Measure(MetricContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return MemberShareAttack.Run(context.Data, options, context.Progress, context.Cancel);
    }

    /// <inheritdoc/>
    public IEnumerable<MetricResult> Rows(MetricComparison models)
    {
        ArgumentNullException.ThrowIfNull(models);
        var (n, shares) = (models.Data.Train.ForgottenRows, models.Erased.Get<IReadOnlyList<MemberShare>>(Name) ?? []);
        for (var i = 0; i < shares.Count; i++)
        {
            var (index, share) = (i, shares[i]);
            var group = new RowGroup(
                models, Name, "share of D_f taken for training data by an attacker who knows D_r and test images (ESC, table 5)", options.Seed, share.Setting);
            var row = group.Share(
                share.Attack, "training rows that the request names", n, e => e.Get<IReadOnlyList<MemberShare>>(Name)?[index].Percent);
            yield return Judgement.Of(row, null, null, p => SamplingError.OfShare(p, n));
        }
    }
}

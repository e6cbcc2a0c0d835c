namespace EscNative.Unlearning.Metrics.Probes;

/// <summary>What the neighbours of test rows say about their class.</summary>
/// <param name="ForgetTest">Accuracy in per cent on queries from D_ft; null if there are none.</param>
/// <param name="RemainTest">Accuracy in per cent on queries from D_rt; null if there are none.</param>
/// <param name="Neighbours">How many voted.</param>
/// <param name="Queries">How many test rows were asked for.</param>
/// <param name="ForgetQueries">How many of these are from D_ft.</param>
/// <param name="Subsampled">Whether these are fewer than all.</param>
public sealed record NeighbourResult(double? ForgetTest, double? RemainTest, int Neighbours, int Queries, int ForgetQueries, bool Subsampled)
{
    /// <summary>HM_t of the two accuracies.</summary>
    public double? HarmonicMeanTest => ForgetAccuracies.Combine(ForgetTest, RemainTest);
}

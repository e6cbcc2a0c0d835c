namespace EscNative.Unlearning.Metrics;

/// <summary>The streams from which metrics draw random numbers.</summary>
/// <remarks>
/// Several share a number, and under equal seeds, which are the default, draw the same: member share and relearning (1, 2; the loss attack
/// too, whose default seed is another), similarity, relearning and U-LiRA (5), the bootstraps of U-LiRA and of
/// <see cref="Statistics.Interval"/> (4, a constant there: statistics know no metrics), the orders of both probes. Stream 0 gives the starting weights of the SGD and the MLP probe and the queries of the nearest neighbours. No
/// single value is made of two of them. Other numbers would change published values, so they stay; a new use takes a new number.
/// </remarks>
internal static class MetricStreams
{
    public const ulong LossMembers = 0x4D45_0001;
    public const ulong LossNonMembers = 0x4D45_0002;
    public const ulong LossFolds = 0x4D45_0003;
    public const ulong ShareMembers = 0x4D45_0001;
    public const ulong ShareNonMembers = 0x4D45_0002;
    public const ulong SimilarityRows = 0x4D45_0005;
    public const ulong RelearningForget = 0x4D45_0001;
    public const ulong RelearningForgetTest = 0x4D45_0002;
    public const ulong RelearningRemainTest = 0x4D45_0005;
    public const ulong RelearningSamples = 0x4D45_0008;
    public const ulong LayerDistanceImages = 0x4D45_0009;
    public const ulong ULiraTargets = 0x4D45_0005;
    public const ulong ULiraInclusion = 0x4D45_0006;
    public const ulong ULiraBootstrap = 0x4D45_0004;
    public const ulong SgdProbeOrder = 1;
    public const ulong MlpProbeOrder = 1;
}

namespace EscNative.Unlearning.Metrics;

/// <summary>The purposes for which metrics draw random numbers: each has a stream of its own.</summary>
/// <remarks>Where two names have the same number their metrics draw under seeds of their own; numbers stay as published values used them.</remarks>
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
    public const ulong ULiraTargets = 0x4D45_0005;
    public const ulong ULiraInclusion = 0x4D45_0006;
    public const ulong ULiraBootstrap = 0x4D45_0004;
    public const ulong SgdProbeOrder = 1;
    public const ulong MlpProbeOrder = 1;
}

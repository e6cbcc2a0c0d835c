namespace EscNative.Unlearning.Metrics;

/// <summary>The purposes for which metrics draw random numbers: each has a stream of its own.</summary>
internal static class MetricStreams
{
    public const ulong Members = 0x4D45_0001;
    public const ulong NonMembers = 0x4D45_0002;
    public const ulong Folds = 0x4D45_0003;
    public const ulong Bootstrap = 0x4D45_0004;
    public const ulong Subsample = 0x4D45_0005;
    public const ulong Samples = 0x4D45_0008;
    public const ulong Inclusion = 0x4D45_0006;
    public const ulong Unlearned = 0x4D45_0007;
}

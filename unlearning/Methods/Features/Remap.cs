using EscNative.Kernels;
using EscNative.Models;
using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>Remap (MoRE): z' = (I - P_f D + P_t diag(s) D) z turns what a feature holds of a forgotten class into a remaining class.</summary>
/// <remarks>
/// The targets are drawn from the seed, each remaining class equally likely. MoRE itself keeps several such operators and draws one
/// for every image at inference; an erasure here is one operator, so that draw is not offered. With <c>experts</c> above 1 the
/// operator is the mean of that many with different targets, which is what MoRE gives in expectation.
/// </remarks>
public sealed class Remap : PrototypeMethod
{
    private static readonly MethodParameter[] Known =
    [
        new("experts", 1, "remap operators with different targets whose mean is used; at most the number of remaining classes") { Minimum = 1, IsWhole = true },
        .. Common,
    ];

    /// <inheritdoc/>
    public override string Name => "remap";

    /// <inheritdoc/>
    public override string Description => "Remap (MoRE): turn what each feature holds of a forgotten class into a remaining class drawn from the seed";

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters => Known;

    private protected override int[][] Targets(FeatureTask task, int[] present, int[] forgotten, int[] remaining)
    {
        var experts = task.Parameters.Whole("experts");
        if (experts > remaining.Length)
            throw new UsageException($"remap: got {experts} experts, wants 1 to {remaining.Length}: each has another remaining class as its target");
        var random = new RandomSource(task.Context.Options.Seed, RandomStreams.Remap);
        var targets = new int[forgotten.Length][];
        for (var f = 0; f < targets.Length; f++)
        {
            targets[f] = [.. random.Permutation(remaining.Length).Take(experts).Select(i => remaining[i])];
            var names = task.Context.Forget.ClassNames;
            task.Notes.Add($"{names[present[forgotten[f]]]} is turned into {string.Join(", ", targets[f].Select(t => names[present[t]]))}");
        }

        return targets;
    }
}

using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>Prototype-oblique erasure, MoRE's Erase: z' = (I - P_f D) z takes out of a feature what it holds of the forgotten classes.</summary>
/// <inheritdoc/>
public sealed class PrototypeErase : PrototypeMethod
{
    /// <inheritdoc/>
    public override string Name => "po-erase";

    /// <inheritdoc/>
    public override string Description => "Prototype erasure (MoRE): take out of each feature what it holds of the forgotten classes' prototypes";

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters => Common;

    private protected override int[][] Targets(FeatureTask task, int[] present, int[] forgotten, int[] remaining) =>
        [.. forgotten.Select(_ => Array.Empty<int>())];
}

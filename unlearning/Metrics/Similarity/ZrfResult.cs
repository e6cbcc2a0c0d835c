using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics.Similarity;

/// <summary>How far a model's answers on D_f are from those of a network that knows nothing.</summary>
/// <param name="Score">1 - mean JS divergence: 1 - ln 2 (as far as can be) to 1 (the same answers).</param>
/// <param name="AsCoded">The same as the published code computes it: Kullback-Leibler divergences reversed, and divided by the
/// number of classes too, which moves every value towards 1.</param>
/// <param name="Seed">Seed of the network that knows nothing.</param>
public sealed record ZrfResult(MeanValue Score, MeanValue AsCoded, ulong Seed);

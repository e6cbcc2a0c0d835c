namespace EscNative.Engine.Plans;

/// <summary>One step of a compiled plan, and what it costs.</summary>
/// <param name="Name">The module that it comes from, as <c>features.2.0</c>; the first one of those that were fused into it.</param>
/// <param name="Kind">What it computes, with what was fused: <c>conv 3x3 + relu</c>.</param>
/// <param name="Algorithm">How: <c>direct</c>, <c>winograd 4x4</c>; empty where there is one way only.</param>
/// <param name="Output">The shape of its result for one image.</param>
/// <param name="Flops">Floating-point operations an image by definition: a multiply-add is two, padding included, whatever the
/// algorithm saves.</param>
/// <param name="Bytes">Bytes of activations an image: every operand read and the result written once.</param>
/// <param name="WeightBytes">Bytes of weights, read once a chunk.</param>
public sealed record PlanStepInfo(
    string Name, string Kind, string Algorithm, Shape Output, double Flops, double Bytes, double WeightBytes);

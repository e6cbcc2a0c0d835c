namespace EscNative.Unlearning;

/// <summary>What one stage of a request cost.</summary>
/// <param name="Name">The stage: <c>forward</c>.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="Bytes">Bytes that the stage must read and write at least; 0 where it is not counted.</param>
/// <param name="Flops">Floating-point operations; 0 where they are not counted.</param>
public readonly record struct StageTime(string Name, double Seconds, double Bytes, double Flops);

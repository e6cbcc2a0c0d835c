namespace EscNative.Unlearning;

/// <summary>How far a stage of a long call is.</summary>
/// <param name="Stage">The stage's name: <c>forward</c>.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
public readonly record struct StageProgress(string Stage, long Done, long Total);

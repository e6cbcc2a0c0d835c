namespace EscNative.Engine;

/// <summary>A parameter, its gradient, and what the optimizer remembers of it: contiguous, of one type and shape.</summary>
internal readonly record struct ParameterUpdate(Tensor Weight, Tensor Gradient, Tensor? First, Tensor? Second);

namespace EscNative.Engine;

/// <summary>Operands whose shapes do not fit an operation.</summary>
/// <param name="message">The operation, the shapes that it got and the rule that they break.</param>
public sealed class ShapeException(string message) : EscException(ErrorCode.Usage, message);

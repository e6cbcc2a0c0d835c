namespace EscNative.Engine;

/// <summary>Operands whose value types or devices do not fit an operation.</summary>
/// <param name="message">The operation, the types that it got and those that it accepts.</param>
public sealed class DTypeException(string message) : EscException(ErrorCode.Usage, message);

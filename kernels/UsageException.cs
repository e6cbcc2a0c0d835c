namespace EscNative;

/// <summary>An argument or option that makes no sense, with the fix in its message.</summary>
/// <param name="message">The option, what it got, what it accepts.</param>
public sealed class UsageException(string message) : EscException(ErrorCode.Usage, message);

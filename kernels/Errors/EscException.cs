namespace EscNative;

/// <summary>What went wrong, as a stable number that scripts and the command line's exit code depend on.</summary>
public enum ErrorCode
{
    /// <summary>A broken invariant of this library: please report it.</summary>
    Internal = 1,

    /// <summary>An argument or option makes no sense (unknown name, k &gt;= d, p that erases nothing).</summary>
    Usage = 2,

    /// <summary>Input data that cannot be used: a damaged file, a label out of range, features with NaN.</summary>
    BadInput = 3,

    /// <summary>A device that is missing or failed.</summary>
    Device = 4,

    /// <summary>Memory or disk ran out, or an output cannot be written.</summary>
    OutOfResources = 5,
}

/// <summary>The base of every exception that this library throws on purpose.</summary>
/// <param name="code">The stable code; the command line maps it to its exit code.</param>
/// <param name="message">The operation, what it got, what it wanted.</param>
/// <param name="inner">The cause, if another exception was it.</param>
public class EscException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The stable code of the failure.</summary>
    public ErrorCode Code { get; } = code;
}

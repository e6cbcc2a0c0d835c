namespace EscNative;

/// <summary>An output that cannot be written: the disk is full, the folder is missing or read-only.
/// (An existing file that may not be replaced is a <see cref="UsageException"/>.)</summary>
/// <param name="message">The path and the reason.</param>
/// <param name="inner">The operating system's error, if there was one.</param>
public sealed class OutputException(string message, Exception? inner = null)
    : EscException(ErrorCode.OutOfResources, message, inner);

namespace EscNative.Engine.Formats;

/// <summary>An input file that cannot be used: missing, damaged, truncated, or of a kind that is not read.</summary>
/// <remarks>The message reads <c>file: at byte N: rule</c>. Every reader of this library throws only this for bad content.</remarks>
/// <param name="file">The file, or <c>archive!entry</c> for a file inside an archive.</param>
/// <param name="offset">Where the violation was found, in bytes from the start of <paramref name="file"/> (uncompressed);
/// null when no place can be named.</param>
/// <param name="rule">What was found and what was wanted.</param>
/// <param name="inner">The cause, if another exception was it.</param>
public sealed class DataFormatException(string file, long? offset, string rule, Exception? inner = null)
    : EscException(ErrorCode.BadInput, offset is null ? $"{file}: {rule}" : $"{file}: at byte {offset}: {rule}", inner)
{
    /// <summary>The file, or <c>archive!entry</c> for a file inside an archive.</summary>
    public string File { get; } = file;

    /// <summary>Bytes from the start of the file to the violation; null when no place can be named.</summary>
    public long? Offset { get; } = offset;

    /// <summary>What was found and what was wanted.</summary>
    public string Rule { get; } = rule;
}

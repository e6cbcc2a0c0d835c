using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

/// <summary>Asserts what a reader says about a bad file.</summary>
internal static class BadFile
{
    /// <summary>The read ends in a <see cref="DataFormatException"/> with this file, offset and part of the rule.</summary>
    public static DataFormatException Refused(string file, long? offset, string rule, Action read)
    {
        var failure = Assert.Throws<DataFormatException>(read);
        Assert.Equal(ErrorCode.BadInput, failure.Code);
        Assert.Equal(file, failure.File);
        Assert.Contains(rule, failure.Rule, StringComparison.Ordinal);
        Assert.Equal(offset, failure.Offset);
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        return failure;
    }
}

using System.IO.Pipes;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

public sealed class InputFileTests
{
    [Fact]
    public void A_pipe_is_refused_by_name()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "pipes have names under /proc on Linux only");
        using var writer = new AnonymousPipeServerStream(PipeDirection.Out);
        var path = $"/proc/self/fd/{writer.GetClientHandleAsString()}";
        var error = Assert.Throws<DataFormatException>(() => InputFile.ReadAll(path, 100));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("wants a file", error.Message, StringComparison.Ordinal);
    }
}

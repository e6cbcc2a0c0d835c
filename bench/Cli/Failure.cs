using EscNative.Bench.Measuring;

namespace EscNative.Bench.Cli;

/// <summary>What a failure means for the user: the one place that turns an exception into an exit code and a message.</summary>
internal static class Failure
{
    /// <summary>The exit codes for help texts, one a line.</summary>
    public static IReadOnlyList<(ExitCode Code, string Meaning)> Codes { get; } =
    [
        (ExitCode.Ok, "done"),
        (ExitCode.Bug, "a bug in this program; please report it"),
        (ExitCode.Usage, "an option, argument or configuration that makes no sense, or an output that exists"),
        (ExitCode.BadInput, "input that cannot be used: a missing or damaged file"),
        (ExitCode.Device, "the device is missing or failed"),
        (ExitCode.OutOfResources, "out of memory or disk, or an output that cannot be written"),
        (ExitCode.Inconclusive, "the result is inconclusive"),
        (ExitCode.Cancelled, "cancelled"),
    ];

    /// <summary>The exit code and the message for an exception.</summary>
    public static (ExitCode Code, string Message) Describe(Exception failure) => failure switch
    {
        OperationCanceledException => (ExitCode.Cancelled, "cancelled; no output was left half-written"),
        EscException known when known.Code != ErrorCode.Internal => ((ExitCode)(int)known.Code, known.Message),
        OutOfMemoryException => (ExitCode.OutOfResources, "out of memory: close other programs, or use fewer images or a smaller batch"),
        // The readers and writers name their own failures; what is left is the machine's: a full temporary folder, a closed pipe.
        IOException or UnauthorizedAccessException => (ExitCode.OutOfResources, $"input or output failed: {failure.Message}"),
        _ => (ExitCode.Bug,
            $"unexpected {failure.GetType().Name}: {failure.Message}{Environment.NewLine}"
            + $"This is a bug in {BuildInfo.Line}. Please report it with the command line and this text:{Environment.NewLine}{failure.StackTrace}"),
    };
}

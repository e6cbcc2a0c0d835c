namespace EscNative.Bench.Cli;

/// <summary>How the process ends. Scripts depend on these numbers.</summary>
internal enum ExitCode
{
    Ok = 0,
    Bug = 1,
    Usage = 2,
    BadInput = 3,
    Device = 4,
    OutOfResources = 5,
    Inconclusive = 7,
    Cancelled = 130,
}

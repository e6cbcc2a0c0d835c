using EscNative.Engine.Formats;

namespace EscNative.Bench.Cli;

/// <summary>A folder for the files of one run, gone with them at its end, also where a signal ends it.</summary>
internal sealed class ScratchFolder : IDisposable
{
    /// <exception cref="OutputException">It cannot be made.</exception>
    public ScratchFolder()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"escnative-{Guid.NewGuid():N}");
        TemporaryFiles.Add(Path);
        try
        {
            // Nobody else's: the models in it may be confidential.
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(Path);
            else
                Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            TemporaryFiles.Forget(Path);
            throw new OutputException($"cannot make a folder for temporary files: {cause.Message}", cause);
        }
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>Removes it and everything in it.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // What the run found out is not lost over a file that somebody holds open.
        }

        TemporaryFiles.Forget(Path);
    }
}

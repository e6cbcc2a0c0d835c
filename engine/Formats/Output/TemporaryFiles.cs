namespace EscNative.Engine.Formats;

/// <summary>The temporary files and folders that exist now, so that a process that is told to end leaves none behind.</summary>
/// <remarks>Whoever makes one removes it; this is for the end that comes in between: <c>Environment.Exit</c>, after a second signal
/// say. A process that is killed outright leaves them: they are called <c>.escnative-*.tmp</c>.</remarks>
internal static class TemporaryFiles
{
    private static readonly HashSet<string> Paths = new(StringComparer.Ordinal);
    private static bool _ending;

    static TemporaryFiles() => AppDomain.CurrentDomain.ProcessExit += (_, _) => End();

    /// <summary>A name for a temporary file in a folder.</summary>
    public static string NameIn(string folder) => Path.Combine(folder, $".escnative-{Guid.NewGuid():N}.tmp");

    /// <summary>Tells of a file or folder, before it is made.</summary>
    /// <exception cref="OperationCanceledException">The process is ending: it must not be made.</exception>
    public static void Add(string path)
    {
        lock (Paths)
        {
            if (_ending)
                throw new OperationCanceledException();
            Paths.Add(path);
        }
    }

    /// <summary>It is gone, or is no longer temporary.</summary>
    public static void Forget(string path)
    {
        lock (Paths)
            Paths.Remove(path);
    }

    private static void End()
    {
        lock (Paths)
        {
            _ending = true;
            foreach (var path in Paths)
            {
                try
                {
                    if (Directory.Exists(path))
                        Directory.Delete(path, recursive: true);
                    else
                        File.Delete(path);
                }
                catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
                {
                    // The process ends in any case.
                }
            }
        }
    }
}

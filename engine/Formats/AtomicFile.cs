namespace EscNative.Engine.Formats;

/// <summary>
/// An output file that appears whole or not at all: written under a temporary name in the same folder, flushed to the disk, then
/// renamed by <see cref="Commit"/>. Without <see cref="Commit"/> (a failure, a cancellation) <see cref="Dispose"/> removes the
/// temporary file and whatever had the name before stays as it was.
/// </summary>
/// <remarks>
/// An existing output is a <see cref="UsageException"/> (exit code 2: the command asked for something it may not do) that names
/// <c>--force</c>; a folder or disk that refuses is an <see cref="OutputException"/> (exit code 5).
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private readonly string _target;
    private readonly string _temporary;
    private readonly bool _force;
    private readonly OutputStream _stream;
    private bool _committed;

    private AtomicFile(string target, string temporary, bool force, Stream file)
    {
        _target = target;
        _temporary = temporary;
        _force = force;
        _stream = new OutputStream(file, target);
    }

    /// <summary>Where to write. Its failures are <see cref="OutputException"/>s.</summary>
    public Stream Stream => _stream;

    /// <summary>Starts an output.</summary>
    /// <param name="path">The final name; its folder must exist.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">The folder is missing or not writable, or the name is a folder's.</exception>
    public static AtomicFile Create(string path, bool force = false) => Create(path, force, file => file);

    /// <summary>Writes a whole file.</summary>
    /// <param name="path">The final name; its folder must exist.</param>
    /// <param name="write">Writes the content; if it throws, nothing changes on the disk.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">The folder is missing or not writable, the disk is full, or the name is a folder's.</exception>
    public static void Write(string path, Action<Stream> write, bool force = false)
    {
        ArgumentNullException.ThrowIfNull(write);
        using var file = Create(path, force);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>
    /// Checks that an output can be written, before hours are spent on computing it. Leaves nothing behind.
    /// </summary>
    /// <param name="path">The final name; its folder must exist.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">The folder is missing or not writable, or the name is a folder's.</exception>
    public static void Check(string path, bool force = false) => Create(path, force).Dispose();

    /// <summary>Flushes the content to the disk and gives the file its final name.</summary>
    /// <exception cref="UsageException">Meanwhile another file took the name, and replacing was not allowed.</exception>
    /// <exception cref="OutputException">The disk is full or refuses the rename.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_stream.Closed, this);
        _stream.FlushToDisk();
        _stream.Dispose();
        Refuse(_target, _force);
        try
        {
            File.Move(_temporary, _target, _force);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"cannot write {_target}: {cause.Message}", cause);
        }

        _committed = true;
    }

    /// <summary>Closes the file; removes it unless it was committed.</summary>
    public void Dispose()
    {
        if (_committed)
            return;

        // Here because writing failed or was cancelled: a second failure must not hide the first.
        try
        {
            _stream.Dispose();
        }
        catch (OutputException)
        {
        }

        try
        {
            File.Delete(_temporary);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
        }
    }

    // Tests wrap the file in a stream that fails half-way.
    internal static AtomicFile Create(string path, bool force, Func<Stream, Stream> wrap)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var target = Path.GetFullPath(path);
        Refuse(target, force);
        var temporary = Path.Combine(Path.GetDirectoryName(target)!, $".esc-{Guid.NewGuid():N}.tmp");
        try
        {
            var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
            return new AtomicFile(target, temporary, force, wrap(file));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"cannot write {target}: {cause.Message}", cause);
        }
    }

    private static void Refuse(string target, bool force)
    {
        if (Directory.Exists(target))
            throw new OutputException($"cannot write {target}: it is a folder, wants the name of a file");
        if (!force && File.Exists(target))
            throw new UsageException($"cannot write {target}: the file exists; choose another name, or replace it with --force");
    }
}

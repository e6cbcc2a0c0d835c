namespace EscNative.Engine.Formats;

/// <summary>
/// An output file that appears whole or not at all: written under a temporary name in the same folder, flushed to the disk, then
/// renamed by <see cref="Commit"/>. Without <see cref="Commit"/> (a failure, a cancellation) <see cref="Dispose"/> removes the
/// temporary file and whatever had the name before stays as it was.
/// </summary>
/// <remarks>
/// Symbolic links are written through: the link stays, what it leads to is replaced. A file that is replaced keeps its mode, and
/// its owner where the system allows. <c>-</c> is standard output; that, a pipe, a device and an open descriptor (<c>/dev/fd/3</c>) are
/// written into as they are. An existing file is a <see cref="UsageException"/> (exit code 2: the command asked for something it may not
/// do) that names <c>--force</c>; a folder or disk that refuses is an <see cref="OutputException"/> (exit code 5).
/// </remarks>
public sealed class AtomicFile : IDisposable
{
    private readonly OutputTarget _target;
    private readonly string? _temporary;
    private readonly bool _force;
    private readonly OutputStream _stream;
    private bool _committed;

    private AtomicFile(OutputTarget target, string? temporary, bool force, Stream file)
    {
        _target = target;
        _temporary = temporary;
        _force = force;
        _stream = new OutputStream(file, cause => Failure(target, temporary, cause));
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
    public static void Check(string path, bool force = false)
    {
        // Whoever reads a pipe would take its being opened and closed for the end.
        if (!OutputTarget.Of(path).IsStream)
            Create(path, force).Dispose();
    }

    /// <summary>Makes a folder for outputs, with those above it.</summary>
    /// <param name="path">The folder; it may exist.</param>
    /// <exception cref="OutputException">It cannot be made.</exception>
    public static void CreateFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new OutputException($"cannot make the folder {path}: {cause.Message}", cause);
        }
    }

    /// <summary>Flushes the content to the disk and gives the file its final name.</summary>
    /// <exception cref="UsageException">Meanwhile another file took the name, and replacing was not allowed.</exception>
    /// <exception cref="OutputException">The disk is full or refuses the rename.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_stream.Closed, this);
        if (_temporary is null)
        {
            _stream.Flush();
            _stream.Dispose();
            _committed = true;
            return;
        }

        _stream.FlushToDisk();
        _stream.Dispose();
        Refuse(_target, _force);
        try
        {
            File.Move(_temporary, _target.Path, _force);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw Failure(_target, _temporary, cause);
        }

        _committed = true;
        TemporaryFiles.Forget(_temporary);
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

        if (_temporary is not null)
            Remove(_temporary);
    }

    // Tests wrap the file in a stream that fails half-way.
    internal static AtomicFile Create(string path, bool force, Func<Stream, Stream> wrap)
    {
        var target = OutputTarget.Of(path);
        if (target.IsStream)
        {
            try
            {
                return new AtomicFile(target, null, force, wrap(target.Open()));
            }
            catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
            {
                throw Failure(target, null, cause);
            }
        }

        Refuse(target, force);
        var temporary = TemporaryFiles.NameIn(Path.GetDirectoryName(target.Path)!);
        TemporaryFiles.Add(temporary);
        try
        {
            return new AtomicFile(target, temporary, force, wrap(CreateTemporary(temporary, target)));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            throw Failure(target, temporary, cause);
        }
    }

    // With the mode and owner of the file that it will replace, and never readable for more people than that one.
    private static FileStream CreateTemporary(string temporary, OutputTarget target)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 1 << 16 };
        if (OperatingSystem.IsWindows() || !File.Exists(target.Path))
            return new FileStream(temporary, options);
        var mode = File.GetUnixFileMode(target.Path);
        options.UnixCreateMode = mode & (UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var file = new FileStream(temporary, options);
        try
        {
            if (target.Status is { } old && FileStatus.Of(temporary) is { } own)
                mode = Owned(file, mode, old, own);
            File.SetUnixFileMode(file.SafeFileHandle, mode);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Where the owner cannot be kept, what the mode gave to his group goes to nobody in particular, and running as him is over.
    private static UnixFileMode Owned(FileStream file, UnixFileMode mode, FileStatus old, FileStatus own)
    {
        const UnixFileMode asOwner = UnixFileMode.SetUser | UnixFileMode.SetGroup;
        const uint same = uint.MaxValue;
        if ((old.User, old.Group) == (own.User, own.Group) || FileStatus.ChangeOwner(file.SafeFileHandle, old.User, old.Group))
            return mode;
        mode &= ~asOwner;
        if (old.Group == own.Group || FileStatus.ChangeOwner(file.SafeFileHandle, same, old.Group))
            return mode;
        const UnixFileMode group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;
        return mode & (~group | (UnixFileMode)((int)mode << 3));
    }

    private static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
        }

        TemporaryFiles.Forget(temporary);
    }

    private static void Refuse(OutputTarget target, bool force)
    {
        if (Directory.Exists(target.Path))
            throw new OutputException($"cannot write {target.Name}: it is a folder, wants the name of a file");
        if (!force && File.Exists(target.Path))
            throw new UsageException($"cannot write {target.Name}: the file exists; choose another name, or replace it with --force");
    }

    // In the words of the output: nobody knows the temporary file.
    private static OutputException Failure(OutputTarget target, string? temporary, Exception cause)
    {
        var folder = Path.GetDirectoryName(target.Path);
        var reason = temporary is null ? cause.Message
            : !Directory.Exists(folder) ? $"there is no folder {folder}"
            : cause is UnauthorizedAccessException ? $"the folder {folder} may not be written into"
            : cause.Message.Replace(temporary, target.Path, StringComparison.Ordinal);
        return new OutputException($"cannot write {target.Name}: {reason}", cause);
    }
}

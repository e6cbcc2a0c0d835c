using Microsoft.Win32.SafeHandles;

namespace EscNative.Engine.Formats;

/// <summary>What the name of an output leads to: a file to be replaced, or a stream to be written into.</summary>
internal sealed class OutputTarget
{
    private const int MaximumLinks = 40;
    private const string Standard = "-";

    private readonly int? _descriptor;
    private readonly bool _stream;

    private OutputTarget(string name, string path, bool stream, int? descriptor, FileStatus? status)
    {
        Name = name;
        Path = path;
        Status = status;
        _stream = stream;
        _descriptor = descriptor;
    }

    /// <summary>The name for messages.</summary>
    public string Name { get; }

    /// <summary>Where the links end.</summary>
    public string Path { get; }

    /// <summary>What Linux says of the file that is there, or null.</summary>
    public FileStatus? Status { get; }

    /// <summary>A pipe, a device or an open file: written into, never replaced, and there is nothing to force.</summary>
    public bool IsStream => _stream;

    /// <summary>Whether it is the process's own standard output.</summary>
    public bool IsStandardOutput => _descriptor == 1;

    /// <summary>Equal for two names of one output; null for a stream that several may share.</summary>
    public string? Identity => IsStandardOutput ? Standard
        : _stream ? null
        : Status is { } status ? $"{status.Device}:{status.Node}"
        : OperatingSystem.IsLinux() ? Path : Path.ToUpperInvariant();

    /// <summary>Follows a name: <c>-</c>, links (also relative, dangling and several in a row), open descriptors.</summary>
    /// <exception cref="OutputException">The links form a circle, or the name is too long.</exception>
    public static OutputTarget Of(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path == Standard)
            return new OutputTarget("standard output", Standard, stream: true, 1, null);
        if (System.IO.Path.EndsInDirectorySeparator(path))
            throw new OutputException($"cannot write {path}: that is the name of a folder, wants a file's");
        try
        {
            var full = System.IO.Path.GetFullPath(path);
            var (real, descriptor) = OperatingSystem.IsWindows() ? (FollowedOnWindows(full), null) : Followed(full);
            if (descriptor is not null)
                return new OutputTarget(full, real, stream: true, descriptor, null);
            var status = FileStatus.Of(real);
            var device = status is { } known ? !known.IsFile && !known.IsFolder
                : OperatingSystem.IsWindows() ? real.StartsWith(@"\\.\", StringComparison.Ordinal)
                : !OperatingSystem.IsLinux() && real.StartsWith("/dev/", StringComparison.Ordinal) && File.Exists(real);
            return new OutputTarget(full, real, device, null, status);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new OutputException($"cannot write {path}: {cause.Message}", cause);
        }
    }

    /// <summary>Opens a stream for writing.</summary>
    public Stream Open() => _descriptor switch
    {
        { } number => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new DescriptorStream(number),
        _ => new FileStream(Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite),
    };

    // A file behind a descriptor is written where others who share it have got to, and they go on behind it. A pipe that nobody reads any more
    // is an error, which the console's own stream keeps to itself.
    private sealed class DescriptorStream(int number) : FileStream(new SafeFileHandle(number, ownsHandle: false), FileAccess.Write)
    {
        protected override void Dispose(bool disposing)
        {
            if (disposing && !SafeFileHandle.IsInvalid)
                Flush();
            base.Dispose(disposing);
        }

        // The getter moves the descriptor to this stream's position.
        public override void Flush()
        {
            base.Flush();
            _ = SafeFileHandle;
        }
    }

    private static string FollowedOnWindows(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    // Name by name, since ".." in a link's target means the parent of where the link really lies.
    private static (string Path, int? Descriptor) Followed(string path)
    {
        var left = new Stack<string>(path.Split('/').Reverse());
        var (real, links) = ("/", 0);
        while (left.TryPop(out var name))
        {
            if (name is "" or ".")
                continue;
            if (name == "..")
            {
                real = System.IO.Path.GetDirectoryName(real) ?? "/";
                continue;
            }

            // What is open already is no name of a file, even where it looks like a link to one.
            if (left.Count == 0 && IsDescriptors(real) && int.TryParse(name, out var number))
                return (System.IO.Path.Combine(real, name), number);
            var next = System.IO.Path.Combine(real, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MaximumLinks)
                throw new IOException("its symbolic links form a circle");
            if (target.StartsWith('/'))
                real = "/";
            foreach (var part in target.Split('/').Reverse())
                left.Push(part);
        }

        return (real, null);
    }

    private static bool IsDescriptors(string folder) =>
        folder is "/dev/fd" or "/proc/self/fd" or "/proc/thread-self/fd" || folder == $"/proc/{Environment.ProcessId}/fd";
}

using System.Formats.Tar;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Walks through a .tar.gz in memory, entry by entry. Names are only compared, nothing is ever extracted.</summary>
internal static class TarArchive
{
    private const int MaximumEntries = 10_000;

    /// <summary>Calls <paramref name="visit"/> with the name (without <c>./</c>, doubled or last slashes) and content of every regular file.</summary>
    /// <returns>How many links, devices and other entries that are no files or folders were passed over.</returns>
    /// <exception cref="DataFormatException">It is not a gzipped tar archive, or damaged. Offsets count unpacked bytes, but for
    /// faults of the compression.</exception>
    public static int ForEach(Stream stream, string file, Action<string, Stream> visit)
    {
        Span<byte> magic = stackalloc byte[2];
        InputFile.ReadExactly(stream, magic, file, 0);
        if (!GunzipStream.IsGzip(magic))
            throw new DataFormatException(file, 0, "not a .tar.gz archive: it does not start with gzip's 1f 8b");
        stream.Position = 0;
        using var packed = new GunzipStream(stream, file);
        using var frames = new TarFrames(packed, file);
        using var tar = new TarReader(frames, leaveOpen: true);
        var passed = 0;
        for (var entries = 0; Next(tar, frames, file) is { } entry; entries++)
        {
            if (entries == MaximumEntries)
                throw new DataFormatException(file, frames.Position, $"more than {MaximumEntries} entries");
            // Attributes of the whole archive: they are behind us.
            if (entry.EntryType == TarEntryType.GlobalExtendedAttributes)
                continue;
            frames.Begin(entry.Length);
            var name = Normalised(entry.Name);
            var content = entry.DataStream ?? Stream.Null;
            // Before ustar, a folder was a file whose name ends with a slash.
            var isFolder = entry.Name.EndsWith('/');
            if (entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile && !isFolder)
                visit(name, content);
            else if (!isFolder && entry.EntryType is not (TarEntryType.Directory or TarEntryType.DirectoryList))
                passed++;
            Skip(content, name, frames, file);
        }

        frames.Drain();
        return passed;
    }

    private static TarEntry? Next(TarReader tar, TarFrames frames, string file)
    {
        try
        {
            return tar.GetNextEntry();
        }
        catch (EndOfStreamException cause)
        {
            throw new DataFormatException(file, frames.Position, $"truncated: the archive ends inside an extended header, {frames.Missing} bytes of it are missing", cause);
        }
        catch (Exception cause) when (cause is InvalidDataException or FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            throw new DataFormatException(file, frames.Position, $"{(frames.InExtension ? "a damaged pax header" : "not a tar archive, or damaged")}: {cause.Message}", cause);
        }
    }

    private static void Skip(Stream content, string name, TarFrames frames, string file)
    {
        var buffer = new byte[1 << 16];
        try
        {
            while (content.Read(buffer) > 0)
            {
            }
        }
        catch (EndOfStreamException cause)
        {
            throw new DataFormatException(file, frames.Position, $"truncated: the archive ends inside '{name}', {frames.Missing} bytes of it are missing", cause);
        }
    }

    // <c>..</c> and a first slash stay: names are only compared.
    private static string Normalised(string name)
    {
        var parts = name.Split('/').Where(part => part is not ("" or "."));
        return (name.StartsWith('/') ? "/" : "") + string.Join('/', parts);
    }
}

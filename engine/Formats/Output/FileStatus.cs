using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace EscNative.Engine.Formats;

/// <summary>What Linux says about a file, links followed: its kind, owner and identity, which the class library does not tell.</summary>
/// <param name="Mode">Kind and permission bits, as <c>st_mode</c>.</param>
/// <param name="User">The owner.</param>
/// <param name="Group">The group.</param>
/// <param name="Device">The file system.</param>
/// <param name="Node">The file's number there.</param>
internal readonly partial record struct FileStatus(int Mode, uint User, uint Group, ulong Device, ulong Node)
{
    private const int KindMask = 0xf000;
    private const int Regular = 0x8000;
    private const int Folder = 0x4000;

    /// <summary>Whether it has content of its own that can be replaced.</summary>
    public bool IsFile => (Mode & KindMask) == Regular;

    /// <summary>Whether it is a folder.</summary>
    public bool IsFolder => (Mode & KindMask) == Folder;

    /// <summary>The status of a path.</summary>
    /// <returns>Null where there is no such file, or the system is another one.</returns>
    /// <exception cref="PathTooLongException">The name is longer than the file system takes.</exception>
    public static FileStatus? Of(string path)
    {
        const int here = -100, basic = 0x7ff, nameTooLong = 36;
        if (!OperatingSystem.IsLinux())
            return null;
        // struct statx of the kernel's interface: the same on every architecture.
        Span<byte> status = stackalloc byte[256];
        try
        {
            if (Statx(here, path, 0, basic, ref MemoryMarshal.GetReference(status)) != 0)
                return Marshal.GetLastPInvokeError() == nameTooLong ? throw new PathTooLongException("the name is too long") : null;
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before 2018.
            return null;
        }

        return new FileStatus(
            BinaryPrimitives.ReadUInt16LittleEndian(status[28..]), U32(status, 20), U32(status, 24),
            ((ulong)U32(status, 136) << 32) | U32(status, 140), BinaryPrimitives.ReadUInt64LittleEndian(status[32..]));

        static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
    }

    /// <summary>Gives an open file another owner and group, uint.MaxValue for none.</summary>
    /// <returns>Whether the system allowed it.</returns>
    public static bool ChangeOwner(SafeHandle file, uint user, uint group) => Fchown(file, user, group) == 0;

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int Fchown(SafeHandle file, uint user, uint group);
}

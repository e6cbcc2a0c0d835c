namespace EscNative.Engine.Formats;

/// <summary>One file of a zip archive, checked against its local header.</summary>
/// <param name="Name">Its name; never absolute, never with <c>..</c>, backslashes or control characters.</param>
/// <param name="Deflated">Whether it is compressed; else it is stored.</param>
/// <param name="DataOffset">Where its bytes start in the archive.</param>
/// <param name="CompressedSize">Its bytes in the archive.</param>
/// <param name="Size">Its bytes when unpacked.</param>
/// <param name="Crc">The checksum of the unpacked bytes.</param>
internal sealed record ZipEntry(string Name, bool Deflated, long DataOffset, long CompressedSize, long Size, uint Crc);

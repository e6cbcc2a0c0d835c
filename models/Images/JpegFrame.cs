using System.Buffers.Binary;

namespace EscNative.Images;

/// <summary>What the markers of a JPEG file say, up to the image's end: what is behind it (the film of a motion photo) is no part of it.</summary>
/// <param name="Scans">How many scans there are.</param>
/// <param name="Ends">Whether the image ends.</param>
/// <param name="IsUsual">Whether every version of libjpeg-turbo decodes it to the same pixels: 8 bits, Huffman codes, grey or three components at 4:4:4, 4:2:2
/// or 4:2:0, every coefficient complete. What is not complete is smoothed, in a way that changed with 2.1; 4:4:0 is enlarged in another way since 2.1.</param>
/// <param name="Height">Rows, where it is usual.</param>
/// <param name="Width">Columns, where it is usual.</param>
internal readonly record struct JpegFrame(int Scans, bool Ends, bool IsUsual, int Height, int Width)
{
    private const int Coefficients = 64;
    private const int MostComponents = 3;
    private const sbyte Missing = -1;

    /// <summary>Walks over the markers of a file that begins with one.</summary>
    /// <param name="content">The whole file.</param>
    public static JpegFrame Read(ReadOnlySpan<byte> content)
    {
        var (at, scans, frames, usual) = (2, 0, 0, true);
        ReadOnlySpan<byte> frame = default;
        // Of each coefficient the lowest bit that is there.
        Span<sbyte> bits = stackalloc sbyte[MostComponents * Coefficients];
        bits.Fill(Missing);
        while (at < content.Length && content[at..].IndexOf((byte)0xff) is var found and >= 0)
        {
            at += found;
            var filling = content[at..].IndexOfAnyExcept((byte)0xff);
            if (filling < 0)
                break;
            at += filling + 1;
            var marker = content[at - 1];
            if (marker == 0xd9)
                return Done(true, frame, bits);
            scans += marker == 0xda ? 1 : 0;
            // A zero is a byte of a scan, and what has no length is followed by a scan's bytes, as are unknown markers to libjpeg.
            if (marker is < 0xc0 or (>= 0xd0 and <= 0xd8))
                continue;
            if (content.Length - at < 2)
                break;
            var length = Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(content[at..]));
            var segment = content.Slice(at + 2, Math.Min(length, content.Length - at) - 2);
            if (marker == 0xda)
            {
                usual = usual && Follow(segment, frame, bits);
            }
            else if (marker is 0xc0 or 0xc1 or 0xc2)
            {
                frame = segment;
                frames++;
                usual = usual && frames == 1 && IsUsualFrame(segment);
            }
            else if (marker is >= 0xc3 and <= 0xcf and not 0xc4 and not 0xc8)
            {
                usual = false;
            }

            at += length;
        }

        return Done(false, frame, bits);

        JpegFrame Done(bool ends, ReadOnlySpan<byte> header, ReadOnlySpan<sbyte> lowest)
        {
            if (!usual || !ends || frames != 1 || lowest[..(header[5] * Coefficients)].ContainsAnyExcept((sbyte)0))
                return new JpegFrame(scans, ends, false, 0, 0);
            return new JpegFrame(scans, ends, true, BinaryPrimitives.ReadUInt16BigEndian(header[1..]), BinaryPrimitives.ReadUInt16BigEndian(header[3..]));
        }
    }

    // 8 bits a sample, then rows and columns, the components, and of each its name, sampling and table.
    private static bool IsUsualFrame(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < 6 || frame[0] != 8 || frame[5] is not (1 or MostComponents) || frame.Length != 6 + (3 * frame[5]))
            return false;
        return frame[5] == 1
            ? frame[7] == 0x11
            : frame[7] is 0x11 or 0x21 or 0x22 && frame[10] == 0x11 && frame[13] == 0x11 && frame[6] != frame[9] && frame[6] != frame[12] && frame[9] != frame[12];
    }

    // Takes note of what a scan brings: its components, first and last coefficient, and in the low half of the last byte their lowest bit.
    private static bool Follow(ReadOnlySpan<byte> scan, ReadOnlySpan<byte> frame, Span<sbyte> bits)
    {
        if (frame.IsEmpty || scan.IsEmpty || scan[0] is < 1 or > MostComponents || scan.Length != 4 + (2 * scan[0]))
            return false;
        var (first, last, low) = (scan[^3], scan[^2], scan[^1] & 15);
        if (first > last || last >= Coefficients)
            return false;
        for (var i = 0; i < scan[0]; i++)
        {
            var component = 0;
            while (component < frame[5] && frame[6 + (3 * component)] != scan[1 + (2 * i)])
                component++;
            if (component == frame[5])
                return false;
            bits.Slice((component * Coefficients) + first, last - first + 1).Fill((sbyte)low);
        }

        return true;
    }
}

using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Turns files of photos into pixels. This library reads PGM and PPM itself; the package EscNative.Images has a decoder for the other formats.</summary>
/// <remarks>Called by several threads at once.</remarks>
public interface IImageDecoder
{
    /// <summary>The endings of the files that it reads, in lower case with their dot: <c>.jpg</c>.</summary>
    IReadOnlyList<string> Extensions { get; }

    /// <summary>Decodes an image to grey or to red, green, blue of 8 bits: alpha is dropped, no colour is converted, no orientation applied.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="DataFormatException">It is damaged, of a format that is not read, or, by its header, larger than
    /// <see cref="ImageLimits"/> allow: the decoder asks <see cref="ImageLimits.Check"/> before it takes memory.</exception>
    Image Decode(byte[] content, string file);

    /// <summary>The same, with the pixels in memory that is used again for the next image: to fetch new memory for each costs a quarter of the time.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="memory">Gives memory of a length in bytes for the pixels, with any content; asked again, it may give the same.</param>
    /// <exception cref="DataFormatException">As above.</exception>
    Image Decode(byte[] content, string file, Func<int, Memory<byte>> memory) => Decode(content, file);
}

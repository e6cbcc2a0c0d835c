using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EscNative.Models.Data;

/// <summary>Computes <see cref="ImageSet.ContentHash"/> while images come by.</summary>
internal sealed class ContentHasher : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Begins with what a set is.</summary>
    public ContentHasher(int count, int height, int width, int channels)
    {
        _hash.AppendData("escnative.images/1\n"u8);
        foreach (var value in (ReadOnlySpan<int>)[count, height, width, channels])
            Append(value);
    }

    /// <summary>Adds an image.</summary>
    /// <param name="label">Its class.</param>
    /// <param name="pixels">[height, width, channels].</param>
    public void Add(int label, ReadOnlySpan<byte> pixels)
    {
        Append(label);
        _hash.AppendData(pixels);
    }

    /// <summary>The hash of all images that were added.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Append(int value)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(number, value);
        _hash.AppendData(number);
    }
}

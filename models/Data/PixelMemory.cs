using System.Buffers;

namespace EscNative.Models.Data;

/// <summary>Memory for the pixels of one image, which comes from the process's pool and goes back there.</summary>
internal sealed class PixelMemory : IDisposable
{
    private byte[] _bytes = [];

    /// <summary>Memory of a length with any content; what was taken before is given up.</summary>
    /// <param name="length">Bytes.</param>
    public Memory<byte> Take(int length)
    {
        if (_bytes.Length < length)
        {
            Dispose();
            _bytes = ArrayPool<byte>.Shared.Rent(length);
        }

        return _bytes.AsMemory(0, length);
    }

    /// <summary>Gives it back: no image may be left that has it.</summary>
    public void Dispose()
    {
        if (_bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }
}

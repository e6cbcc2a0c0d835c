namespace EscNative.Tests;

/// <summary>Damages a valid file in the ways that files get damaged, and in the ways that attackers try.</summary>
/// <param name="seed">Equal seeds give equal damage.</param>
internal sealed class FuzzMutator(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>A damaged copy: 1 to 3 mutations of random kinds.</summary>
    /// <param name="original">A valid file.</param>
    /// <param name="header">The first bytes, where most mutations strike: damage in bulk data is rarely interesting.</param>
    public byte[] Mutate(byte[] original, int header)
    {
        var bytes = (byte[])original.Clone();
        for (var left = _random.Next(1, 4); left > 0 && bytes.Length > 0; left--)
            bytes = Once(bytes, header);
        return bytes;
    }

    /// <summary>A number from 0 up to, not including, the given one.</summary>
    public int Draw(int below) => _random.Next(below);

    private byte[] Once(byte[] bytes, int header)
    {
        var zone = _random.Next(4) == 0 ? bytes.Length : Math.Min(header, bytes.Length);
        var at = _random.Next(zone);
        switch (_random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)_random.Next(256);
                return bytes;
            case 2:
                return bytes[..at];
            case 3:
                // A length or offset with an extreme value.
                long[] extremes = [0, 1, -1, 127, 255, 65535, int.MaxValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 40];
                var value = BitConverter.GetBytes(extremes[_random.Next(extremes.Length)]);
                value.AsSpan(0, Math.Min(1 << _random.Next(4), bytes.Length - at)).CopyTo(bytes.AsSpan(at));
                return bytes;
            case 4:
                // A digit becomes another one: edits numbers in text headers.
                var digit = Array.FindIndex(bytes, at, b => char.IsAsciiDigit((char)b));
                if (digit >= 0)
                    bytes[digit] = (byte)('0' + _random.Next(10));
                return bytes;
            case 5:
                // Bytes vanish.
                var end = Math.Min(bytes.Length, at + _random.Next(1, 32));
                return [.. bytes[..at], .. bytes[end..]];
            case 6:
                // Bytes appear.
                var noise = new byte[_random.Next(1, 32)];
                _random.NextBytes(noise);
                return [.. bytes[..at], .. noise, .. bytes[at..]];
            default:
                // A splice: another part of the file lands here.
                var from = _random.Next(zone);
                var length = Math.Min(_random.Next(1, 64), bytes.Length - Math.Max(from, at));
                Array.Copy(bytes, from, bytes, at, length);
                return bytes;
        }
    }
}

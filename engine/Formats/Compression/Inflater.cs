using System.Buffers.Binary;

namespace EscNative.Engine.Formats;

/// <summary>Unpacks deflate data (RFC 1951) and knows to the byte where it ends, which the library's own stream does not say.</summary>
/// <remarks>One object serves any number of streams of one source, one after another: <see cref="Begin"/> starts the next.</remarks>
internal sealed class Inflater(ByteSource source)
{
    private const int Window = 1 << 15;
    private const int Room = 1 << 17;
    private const int LongestMatch = 258;
    private const int EndOfBlock = 256;
    private const int MaximumBits = 15;

    private static readonly ushort[] LengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    private static readonly byte[] LengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    private static readonly ushort[] DistanceBase = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
    private static readonly byte[] DistanceBits = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
    private static readonly byte[] LengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    // Unpacked bytes: the last 32 KiB are what matches refer to; from _given to _at is not yet handed out.
    private readonly byte[] _out = new byte[Room];
    private readonly ushort[] _literals = new ushort[1 << MaximumBits];
    private readonly ushort[] _distances = new ushort[1 << MaximumBits];
    private readonly byte[] _lengths = new byte[320];
    private int _given;
    private int _at;
    private int _literalBits;
    private int _distanceBits;
    private ulong _bits;
    private int _count;
    private State _state;
    private bool _last;
    private int _stored;

    private enum State
    {
        Header,
        Stored,
        Codes,
        Done,
    }

    /// <summary>Starts with the source's next byte.</summary>
    public void Begin()
    {
        _given = _at = 0;
        _bits = 0;
        _count = 0;
        _state = State.Header;
        _last = false;
    }

    /// <summary>Unpacks some bytes.</summary>
    /// <returns>How many; 0 at the end of the data, after which the source stands behind its last byte.</returns>
    /// <exception cref="DataFormatException">The data is damaged or truncated: with the offset in the source.</exception>
    public int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_given == _at && _state != State.Done)
            Decode();
        var count = Math.Min(buffer.Length, _at - _given);
        _out.AsSpan(_given, count).CopyTo(buffer);
        _given += count;
        return count;
    }

    private void Decode()
    {
        // Everything was handed out: only the window has to stay.
        if (_at > Room - Window)
        {
            _out.AsSpan(_at - Window, Window).CopyTo(_out);
            _given = _at = Window;
        }

        switch (_state)
        {
            case State.Header:
                ReadHeader();
                break;
            case State.Stored:
                CopyStored();
                break;
            default:
                Expand();
                break;
        }
    }

    private void ReadHeader()
    {
        if (_last)
        {
            source.Unread(_count / 8);
            _state = State.Done;
            return;
        }

        _last = Take(1) == 1;
        switch (Take(2))
        {
            case 0:
                // The lengths start at a whole byte.
                Take(_count & 7);
                var (length, complement) = (Take(16), Take(16));
                if (length != (~complement & 0xffff))
                    throw Bad("a stored block's length and its complement disagree");
                source.Unread(_count / 8);
                _bits = 0;
                _count = 0;
                _stored = length;
                _state = State.Stored;
                break;
            case 1:
                _lengths.AsSpan(0, 144).Fill(8);
                _lengths.AsSpan(144, 112).Fill(9);
                _lengths.AsSpan(256, 24).Fill(7);
                _lengths.AsSpan(280, 8).Fill(8);
                _literalBits = Build(_lengths.AsSpan(0, 288), _literals, "literals");
                _lengths.AsSpan(0, 32).Fill(5);
                _distanceBits = Build(_lengths.AsSpan(0, 32), _distances, "distances");
                _state = State.Codes;
                break;
            case 2:
                ReadCodes();
                _state = State.Codes;
                break;
            default:
                throw Bad("a block of the reserved type 3");
        }
    }

    private void CopyStored()
    {
        while (_stored > 0 && _at < Room)
        {
            if (!source.Fill())
                throw Truncated();
            var now = source.Ready[..Math.Min(source.Ready.Length, Math.Min(_stored, Room - _at))];
            now.CopyTo(_out.AsSpan(_at));
            source.Skip(now.Length);
            _at += now.Length;
            _stored -= now.Length;
        }

        if (_stored == 0)
            _state = State.Header;
    }

    private void ReadCodes()
    {
        int literals = Take(5) + 257, distances = Take(5) + 1, lengths = Take(4) + 4;
        if (literals > 286 || distances > 30)
            throw Bad($"a block with {literals} literal and {distances} distance codes; at most 286 and 30 exist");
        _lengths.AsSpan(0, LengthOrder.Length).Clear();
        for (var i = 0; i < lengths; i++)
            _lengths[LengthOrder[i]] = (byte)Take(3);
        var bits = Build(_lengths.AsSpan(0, LengthOrder.Length), _literals, "code lengths");
        for (var i = 0; i < literals + distances;)
        {
            var symbol = Symbol(_literals, bits);
            if (symbol < 16)
            {
                _lengths[i++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && i == 0)
                throw Bad("a repeated code length without one before it");
            var value = symbol == 16 ? _lengths[i - 1] : (byte)0;
            var repeat = symbol switch { 16 => 3 + Take(2), 17 => 3 + Take(3), _ => 11 + Take(7) };
            if (repeat > literals + distances - i)
                throw Bad("more code lengths than there are codes");
            _lengths.AsSpan(i, repeat).Fill(value);
            i += repeat;
        }

        if (_lengths[EndOfBlock] == 0)
            throw Bad("a block that cannot end: it has no code for its end");
        // The first table is read from while it is built anew below, so the distances come first.
        _distanceBits = Build(_lengths.AsSpan(literals, distances), _distances, "distances");
        _literalBits = Build(_lengths.AsSpan(0, literals), _literals, "literals");
    }

    private void Expand()
    {
        while (_at <= Room - LongestMatch)
        {
            var symbol = Symbol(_literals, _literalBits);
            if (symbol < EndOfBlock)
            {
                _out[_at++] = (byte)symbol;
                continue;
            }

            if (symbol == EndOfBlock)
            {
                _state = State.Header;
                return;
            }

            symbol -= EndOfBlock + 1;
            if (symbol >= LengthBase.Length)
                throw Bad("a length code that does not exist");
            var length = LengthBase[symbol] + Take(LengthBits[symbol]);
            var code = Symbol(_distances, _distanceBits);
            if (code >= DistanceBase.Length)
                throw Bad("a distance code that does not exist");
            var distance = DistanceBase[code] + Take(DistanceBits[code]);
            if (distance > _at)
                throw Bad($"a match {distance} bytes back, before the start of the data");
            if (distance >= length)
            {
                _out.AsSpan(_at - distance, length).CopyTo(_out.AsSpan(_at));
                _at += length;
                continue;
            }

            // The match repeats what it is itself writing.
            for (var i = 0; i < length; i++, _at++)
                _out[_at] = _out[_at - distance];
        }
    }

    // A table with an entry for every value of the next bits: the symbol above, its number of bits in the lowest four. 0 is no code.
    private int Build(ReadOnlySpan<byte> lengths, ushort[] table, string what)
    {
        Span<int> counts = stackalloc int[MaximumBits + 1];
        counts.Clear();
        foreach (var length in lengths)
            counts[length]++;
        var most = MaximumBits;
        while (most > 0 && counts[most] == 0)
            most--;
        counts[0] = 0;
        var left = 1;
        Span<int> next = stackalloc int[MaximumBits + 2];
        next.Clear();
        for (var length = 1; length <= MaximumBits; length++)
        {
            left = (left << 1) - counts[length];
            if (left < 0)
                throw Bad($"a code of {what} with more words than its lengths allow");
            next[length + 1] = (next[length] + counts[length]) << 1;
        }

        // A code of a single word of one bit is allowed, and one of distances that are never used; other gaps are damage.
        if (left > 0 && most > 1)
            throw Bad($"a code of {what} with gaps");
        if (most == 0)
        {
            table[0] = table[1] = 0;
            return 1;
        }

        table.AsSpan(0, 1 << most).Clear();
        for (var symbol = 0; symbol < lengths.Length; symbol++)
        {
            int length = lengths[symbol];
            if (length == 0)
                continue;
            var reversed = Reverse(next[length]++, length);
            var entry = (ushort)((symbol << 4) | length);
            for (var i = reversed; i < 1 << most; i += 1 << length)
                table[i] = entry;
        }

        return most;
    }

    private static int Reverse(int value, int bits)
    {
        var result = 0;
        for (; bits > 0; bits--, value >>= 1)
            result = (result << 1) | (value & 1);
        return result;
    }

    private int Symbol(ushort[] table, int bits)
    {
        if (_count < MaximumBits)
            Refill();
        var entry = table[(int)_bits & ((1 << bits) - 1)];
        var length = entry & 15;
        if (length > _count)
            throw Truncated();
        if (length == 0)
            throw _count < bits ? Truncated() : Bad("bits that are no word of the code");
        _bits >>= length;
        _count -= length;
        return entry >> 4;
    }

    private int Take(int bits)
    {
        if (_count < bits)
        {
            Refill();
            if (_count < bits)
                throw Truncated();
        }

        var value = (int)_bits & ((1 << bits) - 1);
        _bits >>= bits;
        _count -= bits;
        return value;
    }

    // To 56 bits or more where the source has them; what is taken too much is given back at the end.
    private void Refill()
    {
        if (source.Ready.Length >= sizeof(ulong))
        {
            _bits |= BinaryPrimitives.ReadUInt64LittleEndian(source.Ready) << _count;
            var whole = (63 - _count) >> 3;
            source.Skip(whole);
            _count += whole * 8;
            // The bits above the count came with the read and will come again.
            _bits &= (1UL << _count) - 1;
            return;
        }

        while (_count <= 48 && source.Fill())
        {
            _bits |= (ulong)source.Ready[0] << _count;
            source.Skip(1);
            _count += 8;
        }
    }

    private DataFormatException Truncated() => new(source.File, source.Offset, "truncated: the file ends inside its compressed data");

    private DataFormatException Bad(string what) =>
        new(source.File, source.Offset - (_count / 8), $"cannot be read on: the compressed data is damaged ({what})");
}

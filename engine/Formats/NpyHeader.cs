using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace EscNative.Engine.Formats;

/// <summary>The header of a .npy file: a magic, a version, and a Python dictionary with exactly three keys.</summary>
internal sealed record NpyHeader(ArrayType Type, bool Fortran, int[] Shape, int Length)
{
    private const int MaximumRank = 32;

    // NumPy itself refuses to parse more than 10,000 characters.
    private const int MaximumText = 10_000;

    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a header from the start of <paramref name="stream"/>.</summary>
    /// <exception cref="DataFormatException">It breaks a rule of the format, or names an element type that is not read.</exception>
    public static NpyHeader Read(Stream stream, string file)
    {
        Span<byte> start = stackalloc byte[8];
        InputFile.ReadExactly(stream, start, file, 0);
        if (!start.StartsWith(Magic))
            throw new DataFormatException(file, 0, "not a .npy file: it does not start with \\x93NUMPY");
        int version = start[6], fieldLength = version == 1 ? 2 : 4;
        if (version is < 1 or > 3 || start[7] != 0)
            throw new DataFormatException(file, 6, $"version {start[6]}.{start[7]} of the .npy format; 1.0, 2.0 and 3.0 are read");
        Span<byte> field = stackalloc byte[4];
        field.Clear();
        InputFile.ReadExactly(stream, field[..fieldLength], file, start.Length);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(field);
        if (length > MaximumText)
            throw new DataFormatException(file, start.Length, $"a .npy header of {length} bytes; at most {MaximumText} are accepted");
        var text = new byte[length];
        var offset = start.Length + fieldLength;
        InputFile.ReadExactly(stream, text, file, offset);
        return new Parser(text, file, offset).Parse();
    }

    /// <summary>The header as NumPy writes it: version 1.0, padded with spaces so that the data starts at a multiple of 64.</summary>
    public static byte[] Format(ArrayType type, ReadOnlySpan<int> shape)
    {
        var dimensions = string.Join(", ", shape.ToArray().Select(size => size.ToString(CultureInfo.InvariantCulture)));
        var text = $"{{'descr': '{Describe(type)}', 'fortran_order': False, 'shape': ({dimensions}{(shape.Length == 1 ? "," : "")}), }}";
        const int front = 10;
        var length = (front + text.Length + 1 + Alignment - 1) / Alignment * Alignment;
        var header = new byte[length];
        header.AsSpan().Fill((byte)' ');
        Magic.CopyTo(header);
        header[6] = 1;
        header[7] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(length - front));
        Encoding.ASCII.GetBytes(text, header.AsSpan(front));
        header[^1] = (byte)'\n';
        return header;
    }

    private static string Describe(ArrayType type) => type switch
    {
        ArrayType.Bool => "|b1",
        ArrayType.U8 => "|u1",
        ArrayType.I8 => "|i1",
        ArrayType.I16 => "<i2",
        ArrayType.U16 => "<u2",
        ArrayType.F16 => "<f2",
        ArrayType.I32 => "<i4",
        ArrayType.U32 => "<u4",
        ArrayType.F32 => "<f4",
        ArrayType.F64 => "<f8",
        ArrayType.I64 => "<i8",
        ArrayType.U64 => "<u8",
        _ => throw new ArgumentException($".npy has no element type for {type}; convert it to F32", nameof(type)),
    };

    // A recursive-descent parser for the one dictionary that NumPy writes; no other Python is understood.
    private sealed class Parser(byte[] text, string file, int start)
    {
        private int _at;

        public NpyHeader Parse()
        {
            ArrayType? type = null;
            bool? fortran = null;
            int[]? shape = null;
            Expect('{');
            while (!Accept('}'))
            {
                var keyAt = _at;
                var key = Quoted();
                Expect(':');
                switch (key)
                {
                    case "descr" when type is null:
                        type = ElementType();
                        break;
                    case "fortran_order" when fortran is null:
                        fortran = Truth();
                        break;
                    case "shape" when shape is null:
                        shape = Dimensions();
                        break;
                    default:
                        _at = keyAt;
                        throw Bad($"key '{key}' is unknown or appears twice; a .npy header has descr, fortran_order and shape");
                }

                if (!Accept(','))
                {
                    Expect('}');
                    break;
                }
            }

            Space();
            if (_at != text.Length)
                throw Bad("something follows the dictionary of the .npy header");
            if (type is null || fortran is null || shape is null)
                throw Bad("a .npy header needs descr, fortran_order and shape");
            return new NpyHeader(type.Value, fortran.Value, shape, start + text.Length);
        }

        private ArrayType ElementType()
        {
            Space();
            var at = _at;
            if (Peek() is '[' or '(')
                throw Bad("an array of records; only plain numbers are read");
            var name = Quoted();
            _at = at;
            if (name.Length < 2 || name[0] is not ('<' or '|' or '=' or '>'))
                throw Bad($"element type '{name}' is not understood");
            if (name[1] == 'O')
                throw Bad("an array of Python objects; those are pickles and never read");
            if (name[0] == '>' && name[2..] != "1")
                throw Bad($"element type '{name}' is big-endian; save it little-endian");
            ArrayType type = name[1..] switch
            {
                "b1" => ArrayType.Bool,
                "u1" => ArrayType.U8,
                "i1" => ArrayType.I8,
                "i2" => ArrayType.I16,
                "u2" => ArrayType.U16,
                "f2" => ArrayType.F16,
                "i4" => ArrayType.I32,
                "u4" => ArrayType.U32,
                "f4" => ArrayType.F32,
                "f8" => ArrayType.F64,
                "i8" => ArrayType.I64,
                "u8" => ArrayType.U64,
                _ => throw Bad($"element type '{name}' is not read; f2, f4, f8, i1 to i8, u1 to u8 and b1 are"),
            };
            Quoted();
            return type;
        }

        private int[] Dimensions()
        {
            Expect('(');
            var sizes = new List<int>();
            while (!Accept(')'))
            {
                if (sizes.Count == MaximumRank)
                    throw Bad($"an array of more than {MaximumRank} dimensions");
                sizes.Add(Number());
                if (!Accept(','))
                {
                    // (3) is a number in Python, (3,) a shape.
                    if (sizes.Count == 1)
                        throw Bad("a shape of one dimension must be written (n,)");
                    Expect(')');
                    break;
                }
            }

            return [.. sizes];
        }

        private int Number()
        {
            Space();
            var at = _at;
            long value = 0;
            while (_at < text.Length && char.IsAsciiDigit((char)text[_at]))
            {
                value = (value * 10) + (text[_at++] - '0');
                if (value > int.MaxValue)
                    throw Bad($"a dimension above {int.MaxValue}");
            }

            if (_at == at)
                throw Bad("a dimension must be a whole number from 0");
            // Python 2 wrote long integers as 3L.
            if (Peek() == 'L')
                _at++;
            return (int)value;
        }

        private bool Truth()
        {
            Space();
            var rest = text.AsSpan(_at);
            var value = rest.StartsWith("True"u8);
            if (!value && !rest.StartsWith("False"u8))
                throw Bad("fortran_order must be True or False");
            _at += value ? 4 : 5;
            return value;
        }

        private string Quoted()
        {
            Space();
            var quote = Peek();
            if (quote is not ('\'' or '"'))
                throw Bad("a quoted string is wanted here");
            var end = text.AsSpan(_at + 1).IndexOf((byte)quote);
            if (end < 0)
                throw Bad("a string without an end");
            var value = Encoding.Latin1.GetString(text, _at + 1, end);
            if (value.Contains('\\') || value.Any(char.IsControl))
                throw Bad("a string with escapes");
            _at += end + 2;
            return value;
        }

        private char Peek() => _at < text.Length ? (char)text[_at] : '\0';

        private bool Accept(char wanted)
        {
            Space();
            if (Peek() != wanted)
                return false;
            _at++;
            return true;
        }

        private void Expect(char wanted)
        {
            if (!Accept(wanted))
                throw Bad($"'{wanted}' is wanted here");
        }

        private void Space()
        {
            while (Peek() is ' ' or '\n' or '\t' or '\r')
                _at++;
        }

        private DataFormatException Bad(string rule) => new(file, start + _at, rule);
    }
}

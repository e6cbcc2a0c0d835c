namespace EscNative.Engine.Formats;

/// <summary>Reads and writes NumPy's .npy files: one array of plain numbers each.</summary>
public static class Npy
{
    /// <summary>Reads a file; arrays in Fortran order come out row-major.</summary>
    /// <param name="path">The file; its name without extension becomes the array's.</param>
    /// <exception cref="DataFormatException">It cannot be read, breaks a rule of the format, or holds an element type that is not
    /// read (objects, records, strings, complex numbers, big-endian numbers).</exception>
    public static NamedArray Read(string path)
    {
        using var stream = InputFile.Open(path);
        return Read(stream, stream.Length, Path.GetFileNameWithoutExtension(path), path);
    }

    /// <summary>Reads an array from bytes.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="name">The array's name.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <exception cref="DataFormatException">As for <see cref="Read(string)"/>.</exception>
    public static NamedArray Read(byte[] content, string name, string file)
    {
        ArgumentNullException.ThrowIfNull(content);
        using var stream = new MemoryStream(content, writable: false);
        return Read(stream, content.Length, name, file);
    }

    /// <summary>Writes a file, whole or not at all, with the bytes that NumPy would write.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="array">The array; its name is not written.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    /// <exception cref="ArgumentException">BF16, which .npy does not have.</exception>
    public static void Write(string path, NamedArray array, bool force = false) =>
        AtomicFile.Write(path, stream => Write(stream, array), force);

    /// <summary>Writes an array to a stream.</summary>
    /// <param name="stream">Where to write.</param>
    /// <param name="array">The array; its name is not written.</param>
    /// <exception cref="ArgumentException">BF16, which .npy does not have.</exception>
    public static void Write(Stream stream, NamedArray array)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(array);
        WriteHeader(stream, array.Type, array.Shape);
        stream.Write(array.Data.Span);
    }

    /// <summary>Writes the header of an array whose row-major little-endian elements the caller writes after it: for features
    /// that are produced batch by batch.</summary>
    /// <param name="stream">Where to write.</param>
    /// <param name="type">The element type.</param>
    /// <param name="shape">The dimensions of the whole array.</param>
    /// <exception cref="ArgumentException">BF16, which .npy does not have.</exception>
    public static void WriteHeader(Stream stream, ArrayType type, ReadOnlySpan<int> shape)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Write(NpyHeader.Format(type, shape));
    }

    /// <summary>Reads a header, and checks that as many bytes follow as it says.</summary>
    internal static NpyHeader ReadHeader(Stream stream, long length, string file)
    {
        var header = NpyHeader.Read(stream, file);
        var rest = length - header.Length;
        // Stops at the file's own size, so the product stays below 2^63 * 2^31.
        Int128 bytes = header.Type.Size();
        foreach (var size in header.Shape.Contains(0) ? [0] : header.Shape)
        {
            bytes *= size;
            if (bytes > rest)
                break;
        }

        var shape = $"{header.Type} [{string.Join(", ", header.Shape)}]";
        if (bytes != rest)
            throw new DataFormatException(file, header.Length, $"{shape} wants {(bytes > rest ? "more than" : $"{bytes} of")} the {rest} bytes that follow the header");
        if (bytes > Array.MaxLength)
            throw new DataFormatException(file, header.Length, $"{shape} has {bytes} bytes, at most {Array.MaxLength} are read");
        return header;
    }

    private static NamedArray Read(Stream stream, long length, string name, string file)
    {
        var header = ReadHeader(stream, length, file);
        var data = new byte[length - header.Length];
        InputFile.ReadExactly(stream, data, file, header.Length);
        return new NamedArray(name, header.Type, header.Shape, header.Fortran ? RowMajor(data, header) : data);
    }

    private static byte[] RowMajor(byte[] columnMajor, NpyHeader header)
    {
        int size = header.Type.Size(), rank = header.Shape.Length;
        if (rank < 2 || columnMajor.Length == 0)
            return columnMajor;
        var strides = new int[rank];
        for (int axis = 0, stride = size; axis < rank; stride *= header.Shape[axis++])
            strides[axis] = stride;
        var result = new byte[columnMajor.Length];
        var index = new int[rank];
        int from = 0, last = rank - 1;
        for (var to = 0; to < result.Length; to += size)
        {
            columnMajor.AsSpan(from, size).CopyTo(result.AsSpan(to));
            // The next element in row-major order: the last axis turns fastest.
            for (var axis = last; axis >= 0; axis--)
            {
                from += strides[axis];
                if (++index[axis] < header.Shape[axis])
                    break;
                from -= strides[axis] * header.Shape[axis];
                index[axis] = 0;
            }
        }

        return result;
    }
}

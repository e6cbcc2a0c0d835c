using System.Buffers.Binary;
using System.Globalization;

namespace EscNative.Engine.Formats;

/// <summary>A number of NumPy in a pickle, as training loops put their best accuracy beside the weights.</summary>
internal static class NumpyScalar
{
    /// <summary>The number as text, or null where the record is none.</summary>
    public static string? TextOf(PickleRecord record)
    {
        // scalar(dtype('f8', False, True), bytes); the type's state has the order of its bytes.
        if (record.Callable is not PickleGlobal { Name: "scalar", Module: "numpy.core.multiarray" or "numpy._core.multiarray" }
            || record.Arguments is not PickleTuple { Items: [PickleRecord { Callable: PickleGlobal { Name: "dtype" }, Arguments: PickleTuple { Items: [string type, ..] } } dtype, byte[] bytes] }
            || dtype.State is not PickleTuple { Items: [_, "<" or "|", ..] })
        {
            return null;
        }

        return (type, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes).ToString("R", CultureInfo.InvariantCulture),
            ("f4", 4) => BinaryPrimitives.ReadSingleLittleEndian(bytes).ToString("R", CultureInfo.InvariantCulture),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
            ("i4", 4) => BinaryPrimitives.ReadInt32LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
            ("b1", 1) => bytes[0] != 0 ? "true" : "false",
            _ => null,
        };
    }
}

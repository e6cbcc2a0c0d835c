using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

[assembly: AssemblyFixture(typeof(EscNative.Tests.Cuda.DeviceRecord))]

namespace EscNative.Tests.Cuda;

/// <summary>
/// What kernels computed, kept in a file on one device and compared on another: ESC_TEST_RECORD=FILE writes (under the reverse schedule of
/// the emulated machine), ESC_TEST_COMPARE=FILE reads and fails a test that differs by more than rounding; the largest differences go
/// to FILE.txt. Inputs are the same, since tests draw from seeds of their own. Both runs must be of the same tests: a result that the
/// record lacks fails its test, and results of the record that no test met fail the run.
/// </summary>
public sealed class DeviceRecord : IDisposable
{
    private static readonly string? RecordPath = Environment.GetEnvironmentVariable("ESC_TEST_RECORD");
    private static readonly string? ComparePath = Environment.GetEnvironmentVariable("ESC_TEST_COMPARE");
    private static readonly Lock Lock = new();
    private static readonly Dictionary<string, int> Sequence = [];
    private static readonly Lazy<RecordComparison> Comparison = new(() => new RecordComparison(Read(ComparePath!)));

    private static BinaryWriter? _writer;

    /// <summary>Keeps or compares one result of the running test.</summary>
    /// <param name="machine">The machine's name in the test's row, which the two runs do not share.</param>
    /// <param name="values">The result.</param>
    /// <param name="scale">What rounding is relative to, if that is more than the largest value.</param>
    public static void Take<T>(string machine, T[] values, double scale)
        where T : unmanaged
    {
        if ((RecordPath is null || machine != "reverse") && ComparePath is null)
            return;
        lock (Lock)
        {
            var test = TestContext.Current.Test!.TestDisplayName;
            var number = Sequence[test] = Sequence.GetValueOrDefault(test) + 1;
            var name = test.Replace($"\"{machine}\"", "a machine", StringComparison.Ordinal);
            var key = $"{name} #{number.ToString(CultureInfo.InvariantCulture)}";
            if (RecordPath is not null)
            {
                // Under its name only once it is whole.
                _writer ??= new BinaryWriter(File.Create(RecordPath + ".partial"), Encoding.UTF8);
                Write(_writer, key, MemoryMarshal.AsBytes(values.AsSpan()));
            }
            else if (Comparison.Value.Compare(name, key, values, scale) is { } problem)
            {
                Assert.Fail(problem);
            }
        }
    }

    public void Dispose()
    {
        if (_writer is not null)
        {
            _writer.Dispose();
            File.Move(RecordPath + ".partial", RecordPath!, overwrite: true);
        }

        if (ComparePath is null)
            return;
        File.WriteAllLines(ComparePath + ".txt", Comparison.Value.Lines());
        if (Comparison.Value.Gap is { } gap)
            throw new InvalidOperationException(gap);
    }

    internal static void Write(BinaryWriter writer, string key, ReadOnlySpan<byte> bytes)
    {
        writer.Write(key);
        writer.Write(bytes.Length);
        writer.Write(bytes);
    }

    internal static Dictionary<string, byte[]> Read(string path)
    {
        var results = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using var reader = new BinaryReader(File.OpenRead(path), Encoding.UTF8);
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            var key = reader.ReadString();
            var length = reader.ReadInt32();
            var bytes = reader.ReadBytes(length);
            if (bytes.Length != length)
                throw new InvalidDataException($"{path}: ends in the middle of {key}");
            results[key] = bytes;
        }

        return results;
    }
}

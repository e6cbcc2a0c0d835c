using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using EscNative.Kernels.Cpu;

[assembly: AssemblyFixture(typeof(EscNative.Tests.Cuda.DeviceRecord))]

namespace EscNative.Tests.Cuda;

/// <summary>
/// What kernels computed, kept in a file on one device and compared on another: ESC_TEST_RECORD=FILE writes (under the reverse schedule of
/// the emulated machine), ESC_TEST_COMPARE=FILE reads and fails a test that differs by more than rounding; the largest differences go
/// to FILE.txt. Inputs are the same, since tests draw from seeds of their own.
/// </summary>
public sealed class DeviceRecord : IDisposable
{
    private static readonly string? RecordPath = Environment.GetEnvironmentVariable("ESC_TEST_RECORD");
    private static readonly string? ComparePath = Environment.GetEnvironmentVariable("ESC_TEST_COMPARE");
    private static readonly Dictionary<string, int> Sequence = [];
    private static readonly Dictionary<string, (double Difference, int Results)> Worst = [];
    private static readonly Lazy<Dictionary<string, byte[]>> Recorded = new(Read);

    private static BinaryWriter? _writer;

    /// <summary>Keeps or compares one result of the running test.</summary>
    /// <param name="machine">The machine's name in the test's row, which the two runs do not share.</param>
    public static void Take<T>(string machine, T[] values)
        where T : unmanaged
    {
        if ((RecordPath is null || machine != "reverse") && ComparePath is null)
            return;
        var test = TestContext.Current.Test!.TestDisplayName.Replace($"\"{machine}\"", "a machine", StringComparison.Ordinal);
        var number = Sequence[test] = Sequence.GetValueOrDefault(test) + 1;
        var key = $"{test} #{number.ToString(CultureInfo.InvariantCulture)}";
        var bytes = MemoryMarshal.AsBytes(values.AsSpan());
        if (RecordPath is not null)
        {
            _writer ??= new BinaryWriter(File.Create(RecordPath), Encoding.UTF8);
            _writer.Write(key);
            _writer.Write(bytes.Length);
            _writer.Write(bytes);
            return;
        }

        if (!Recorded.Value.TryGetValue(key, out var wanted))
            return;
        Assert.Equal(wanted.Length, bytes.Length);
        var (difference, limit) = Difference(MemoryMarshal.Cast<byte, T>(wanted), values);
        var (worst, results) = Worst.GetValueOrDefault(test);
        Worst[test] = (Math.Max(worst, difference), results + 1);
        Assert.True(difference <= limit, $"result {number} differs from the emulated machine's by {difference:0.0e0} of its largest value, more than {limit:0.0e0}");
    }

    public void Dispose()
    {
        _writer?.Dispose();
        if (ComparePath is null)
            return;
        var lines = Worst.OrderByDescending(w => w.Value.Difference)
            .Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Value.Difference:0.0e0}\t{w.Value.Results} results\t{w.Key}"));
        File.WriteAllLines(ComparePath + ".txt", lines.Prepend($"{Worst.Values.Sum(w => w.Results)} results of {Worst.Count} tests compared; largest difference, relative to the largest value of a result"));
    }

    // Rounding in another order and other functions' last bits: some units in the last place of the largest value.
    private static (double Difference, double Limit) Difference<T>(ReadOnlySpan<T> wanted, ReadOnlySpan<T> got)
    {
        var limit = typeof(T) == typeof(float) ? 1e-4 : typeof(T) == typeof(double) ? 1e-10 : typeof(T) == typeof(BFloat16) ? 0.02 : 0;
        double largest = 0, difference = 0;
        for (var i = 0; i < wanted.Length; i++)
        {
            var (w, g) = (Value(wanted[i]), Value(got[i]));
            if (double.IsNaN(w) != double.IsNaN(g) || (double.IsInfinity(w) && w != g))
                return (double.PositiveInfinity, limit);
            if (!double.IsFinite(w))
                continue;
            largest = Math.Max(largest, Math.Abs(w));
            difference = Math.Max(difference, Math.Abs(w - g));
        }

        return (difference == 0 ? 0 : limit == 0 ? difference : difference / Math.Max(largest, double.Epsilon), limit);
    }

    private static double Value<T>(T value) => value switch
    {
        float f => f,
        double d => d,
        BFloat16 b => b.ToSingle(),
        int i => i,
        byte b => b,
        ulong u => u,
        _ => throw new NotSupportedException($"record: values of {typeof(T).Name}"),
    };

    private static Dictionary<string, byte[]> Read()
    {
        var results = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        using var reader = new BinaryReader(File.OpenRead(ComparePath!), Encoding.UTF8);
        while (reader.BaseStream.Position < reader.BaseStream.Length)
            results[reader.ReadString()] = reader.ReadBytes(reader.ReadInt32());
        return results;
    }
}

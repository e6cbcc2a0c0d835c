using System.Globalization;
using System.Runtime.InteropServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Cuda;

/// <summary>Results of one machine against those that another one left.</summary>
/// <param name="recorded">What the other one computed, by test and number.</param>
internal sealed class RecordComparison(Dictionary<string, byte[]> recorded)
{
    private readonly HashSet<string> _met = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (double Difference, int Results)> _worst = [];
    private int _missing;

    /// <summary>What keeps the two runs from being the same tests, in numbers; null where nothing does.</summary>
    public string? Gap
    {
        get
        {
            var left = recorded.Keys.Where(key => !_met.Contains(key)).Order(StringComparer.Ordinal).ToList();
            return left.Count == 0 && _missing == 0 && _met.Count > 0
                ? null
                : $"{_met.Count} results compared; {_missing} that the record lacks; {left.Count} of the record's {recorded.Count} that no test met{(left.Count > 0 ? $", the first: {left[0]}" : "")}";
        }
    }

    /// <summary>Compares a result.</summary>
    /// <param name="test">The test.</param>
    /// <param name="key">The test and the result's number.</param>
    /// <param name="values">The result.</param>
    /// <param name="scale">What rounding is relative to, if that is more than the largest value.</param>
    /// <returns>What is wrong with it, or null.</returns>
    public string? Compare<T>(string test, string key, T[] values, double scale = 0)
        where T : unmanaged
    {
        if (!recorded.TryGetValue(key, out var bytes))
        {
            _missing++;
            return $"the record of the other machine has no {key}";
        }

        _met.Add(key);
        var wanted = MemoryMarshal.Cast<byte, T>(bytes);
        if (wanted.Length != values.Length)
            return $"{key}: {values.Length} values, the other machine had {wanted.Length}";
        var (difference, limit) = Difference<T>(wanted, values, scale);
        var (worst, results) = _worst.GetValueOrDefault(test);
        _worst[test] = (Math.Max(worst, difference), results + 1);
        return difference <= limit ? null : $"{key} differs from the other machine's by {difference:0.0e0} of its size, more than {limit:0.0e0}";
    }

    /// <summary>The tests, those that differ most first, below a line with the counts.</summary>
    public IEnumerable<string> Lines() => _worst.OrderByDescending(w => w.Value.Difference)
        .Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Value.Difference:0.0e0}\t{w.Value.Results} results\t{w.Key}"))
        .Prepend($"{_met.Count} results of {_worst.Count} tests compared, {_missing} missing in the record, {recorded.Count - _met.Count} of the record not met; largest difference, relative to the size of a result");

    // Each machine is held to c sqrt(k) u of the size of the sums behind a result (AssertClose), with c = 16 and k = 2048 at most: two differ by
    // twice that. With bfloat16 that can be what decides between two neighbours, which are 2^-7 of their size apart. The emulated
    // machine and its build that rounds as a GPU may (--device-rounding) differ by 6 u in float32, 3 u in float64, and no more than that
    // decides in bfloat16; where a result magnifies rounding by more, its test says so by the scale.
    private static (double Difference, double Limit) Difference<T>(ReadOnlySpan<T> wanted, ReadOnlySpan<T> got, double scale)
        where T : unmanaged
    {
        var units = 2 * 16 * Math.Sqrt(2048);
        var limit = typeof(T) == typeof(float) ? units * Math.ScaleB(1, -24)
            : typeof(T) == typeof(double) ? units * Math.ScaleB(1, -53)
            : typeof(T) == typeof(BFloat16) ? Math.ScaleB(1, -7) + (units * Math.ScaleB(1, -24))
            : 0;
        double largest = scale, difference = 0;
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
}

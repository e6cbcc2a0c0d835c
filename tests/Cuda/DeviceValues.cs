using System.Runtime.InteropServices;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Cuda;

/// <summary>Values as they are stored on a device, and how close results must come.</summary>
internal static class DeviceValues
{
    /// <summary>The seed of tests that draw afresh in every run; ESC_TEST_SEED sets it, so that two runs can be compared.</summary>
    public static int FreshSeed { get; } =
        Environment.GetEnvironmentVariable("ESC_TEST_SEED") is { Length: > 0 } given ? (int)(ulong.Parse(given, null) & 0xFFFF) : Environment.TickCount & 0xFFFF;

    public static readonly DType[] Types = [DType.F32, DType.BF16, DType.F64];

    /// <summary>The relative error of storing a value: half the distance from 1 to the next number.</summary>
    public static double Rounding(this DType type) => Math.ScaleB(1, type switch { DType.F32 => -24, DType.BF16 => -8, _ => -53 });

    /// <summary>The type of parameters and statistics beside values of a type.</summary>
    public static DType Wide(this DType type) => type == DType.BF16 ? DType.F32 : type;

    /// <summary>The values as the type holds them, so that an oracle computes with the same numbers.</summary>
    public static double[] Round(this DType type, double[] values) => type switch
    {
        DType.F32 => Array.ConvertAll(values, v => (double)(float)v),
        DType.BF16 => Array.ConvertAll(values, v => (double)BFloat16.Round(v).ToSingle()),
        _ => (double[])values.Clone(),
    };

    public static double[] Random(Random random, long count, double low = -1, double high = 1)
    {
        var values = new double[count];
        for (var i = 0; i < count; i++)
            values[i] = low + ((high - low) * random.NextDouble());
        return values;
    }

    public static nint Upload(this CudaMachine machine, DType type, double[] values) => type switch
    {
        DType.F32 => machine.Upload<float>(Array.ConvertAll(values, v => (float)v)),
        DType.BF16 => machine.Upload<BFloat16>(Array.ConvertAll(values, BFloat16.Round)),
        _ => machine.Upload<double>(values),
    };

    public static nint Allocate(this CudaMachine machine, DType type, long count) => type switch
    {
        DType.F32 => machine.Allocate<float>(count),
        DType.BF16 => machine.Allocate<BFloat16>(count),
        _ => machine.Allocate<double>(count),
    };

    public static double[] Download(this CudaMachine machine, DType type, nint pointer, long count, double scale = 0) => type switch
    {
        DType.F32 => Array.ConvertAll(machine.Download<float>(pointer, count, scale), v => (double)v),
        DType.BF16 => Array.ConvertAll(machine.Download<BFloat16>(pointer, count, scale), v => (double)v.ToSingle()),
        _ => machine.Download<double>(pointer, count, scale),
    };

    /// <summary>Compares a result: c √terms u scale for the arithmetic in the wide type, and one rounding of the stored value.</summary>
    /// <param name="scale">The size of the sum behind a value; by default the largest value wanted.</param>
    public static void AssertClose(
        this DType type, double[] wanted, double[] got, double c, double terms, string context, double? scale = null)
    {
        Assert.Equal(wanted.Length, got.Length);
        var size = scale ?? wanted.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        var tolerance = c * Math.Sqrt(Math.Max(terms, 1)) * type.Wide().Rounding() * size;
        for (var i = 0; i < wanted.Length; i++)
        {
            var (w, g) = (wanted[i], got[i]);
            var allowed = tolerance + (Math.Abs(w) * type.Rounding());
            if (double.IsNaN(w) ? !double.IsNaN(g) : w != g && !(Math.Abs(w - g) <= allowed))
                Assert.Fail($"{type}, {context}: value {i} of {wanted.Length} is {g:R}, wanted {w:R}, difference {Math.Abs(g - w):G3} > {allowed:G3}");
        }
    }

    public static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}

using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>Numbers as text, the same on every machine.</summary>
internal static class Numbers
{
    private const string Undefined = "-";

    /// <summary>A time, rate or size with about three digits.</summary>
    public static string Short(double? value) => value is not { } v || !double.IsFinite(v) ? Undefined : Math.Abs(v) switch
    {
        >= 100 => v.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => v.ToString("0.0", CultureInfo.InvariantCulture),
        >= 1 => v.ToString("0.00", CultureInfo.InvariantCulture),
        0 => "0",
        >= 0.001 => v.ToString("0.000", CultureInfo.InvariantCulture),
        _ => v.ToString("0.0e0", CultureInfo.InvariantCulture),
    };

    /// <summary>A figure with two decimals, as the paper's tables have.</summary>
    public static string Fixed(double? value) =>
        value is { } v && double.IsFinite(v) ? v.ToString("0.00", CultureInfo.InvariantCulture) : Undefined;

    /// <summary>The end of an interval.</summary>
    public static string Tenths(double? value) =>
        value is { } v && double.IsFinite(v) ? v.ToString("0.0", CultureInfo.InvariantCulture) : Undefined;

    /// <summary>A small error.</summary>
    public static string Tiny(double value) => double.IsFinite(value) ? value.ToString("0.0e0", CultureInfo.InvariantCulture) : Undefined;

    /// <summary>A count.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}

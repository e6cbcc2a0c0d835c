namespace EscNative.Bench.Experiments;

/// <summary>The paper's run times as multiples of ESC's (CVPR 2025, table 5 and the text on figure 5).</summary>
internal static class PaperRunTimes
{
    /// <summary>Of ESC itself, by table 5.</summary>
    public const double EscSeconds = 2.24;

    private const string Table5 = "table 5: ResNet-18, CIFAR-10, 5,000 random images, NVIDIA A5000";

    private static readonly Dictionary<string, double> Seconds = new()
    {
        ["retrain"] = 2681.72,
        ["finetune"] = 132.02,
        ["rl"] = 2.57,
        ["scrub"] = 160.39,
        ["badt"] = 182.78,
        ["salun"] = 150.51,
        ["ng"] = 26.79,
        ["esc-t"] = 29.47,
    };

    /// <summary>The methods of table 5 beside ESC, in its order, and the seconds that it gives.</summary>
    public static IReadOnlyDictionary<string, double> Table5Seconds => Seconds;

    /// <summary>How many times as long as ESC a method takes, and where the paper says so; NaN where it does not.</summary>
    public static (double Ratio, string Source) Of(string method) => method == "lau"
        ? (9.17, "text on figure 5: all settings")
        : Seconds.TryGetValue(method, out var seconds) ? (seconds / EscSeconds, Table5) : (double.NaN, "");
}

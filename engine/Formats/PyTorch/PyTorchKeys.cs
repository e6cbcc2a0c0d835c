namespace EscNative.Engine.Formats;

/// <summary>What the keys of a checkpoint's dictionaries say of that which stands under them.</summary>
internal static class PyTorchKeys
{
    // Of a longer name the beginning tells enough.
    private const int Longest = 200;

    // Weights averaged over the training, which most files have beside the plain ones.
    private static readonly string[] Averaged = ["ema", "swa", "averaged", "shadow"];

    private static readonly string[] NoWeights = ["optim", "sched", "scaler", "amp", "rng", "history", "loss", "metric", "args", "config", "hyper", "callback", "loop", "grad"];

    /// <summary>Where the weights lie in a dictionary that holds more, the likeliest first.</summary>
    public static IReadOnlyList<string> Plain { get; } =
        ["state_dict", "model_state_dict", "model", "net", "network", "model_state", "module", "weights", "params", "net_state_dict", "model_dict", "classifier", "backbone"];

    public static bool IsAveraged(string name) => HasPart(name, Averaged, whole: true);

    public static bool IsNoWeights(string name) => HasPart(name, NoWeights, whole: false);

    private static bool HasPart(string name, string[] words, bool whole)
    {
        var text = name.AsSpan(0, Math.Min(name.Length, Longest));
        foreach (var range in text.SplitAny('_', '.', '-'))
        {
            foreach (var word in words)
            {
                if (whole ? text[range].Equals(word, StringComparison.OrdinalIgnoreCase) : text[range].StartsWith(word, StringComparison.OrdinalIgnoreCase))
                    return true;
            }
        }

        return false;
    }
}

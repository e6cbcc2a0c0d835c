using EscNative.Bench.Measuring;

namespace EscNative.Bench.Headlines;

/// <summary>Which metrics stand in a headline, and what they are called where nobody knows the symbols.</summary>
internal static class EffectRows
{
    /// <summary>The longest name of what is forgotten that a row's label takes.</summary>
    public const int LongestName = 14;

    /// <summary>A metric.</summary>
    public sealed record Row(string Label, string Metric, string Name, string Unit);

    /// <summary>What an attacker finds: in the features, where a new head is trained on them, and about who was a member.</summary>
    public static IReadOnlyList<Row> Attacks { get; } =
    [
        new("KR of D_f, head trained fully", "KR-strong", "D_f", "%"),
        new("KR of D_ft, head trained fully", "KR-strong", "D_ft", "%"),
        new("KR of D_f, paper's short way", "KR-official", "D_f", "%"),
        new("MIA, guesses who was trained on", "MIA", "accuracy", "%"),
    ];

    /// <summary>The model's own answers.</summary>
    /// <param name="what">What is forgotten, in few words.</param>
    public static IReadOnlyList<Row> Answers(string what) =>
    [
        new($"{what}, training (D_f)", "accuracy", "D_f", "%"),
        new($"{what}, unseen (D_ft)", "accuracy", "D_ft", "%"),
        new("the rest, training (D_r)", "accuracy", "D_r", "%"),
        new("the rest, unseen (D_rt)", "accuracy", "D_rt", "%"),
    ];

    /// <summary>What a stage of the request does.</summary>
    public static string Stage(string name) => name switch
    {
        StageNames.Load => "load the model file",
        StageNames.Read => "read the images",
        StageNames.Compile => "compile the network",
        StageNames.Upload => "images to the device",
        StageNames.Forward => "forward pass to the features",
        StageNames.Gram => "second moments (Gram matrix)",
        StageNames.Solve => "solve for the directions",
        StageNames.Apply => "put them into the model",
        StageNames.Save => "save the erased model",
        _ => name,
    };
}

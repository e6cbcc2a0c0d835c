using System.Globalization;
using EscNative.Models;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Bench.Requests;

/// <summary>A model whose accuracy looks like guessing was probably not shown its images as it was trained on them.</summary>
internal static class ChanceNote
{
    // What is so near to guessing is not told from it, and nobody uses such a model.
    private const double Share = 1.5;
    private const double MostAbove = 10;

    /// <summary>What to say and to try, or null where the model is better than guessing.</summary>
    /// <param name="evaluation">The model's.</param>
    /// <param name="model">The model.</param>
    /// <param name="file">Its file's name.</param>
    public static string? Of(Evaluation evaluation, Classifier model, string file) =>
        evaluation.Accuracies is { } accuracies ? Of(accuracies.RemainTest ?? accuracies.Remain, model.Classes, file) : null;

    /// <param name="accuracy">Of images that are not to be forgotten, in per cent; null where there are none.</param>
    /// <param name="classes">How many there are.</param>
    /// <param name="file">The model's file.</param>
    public static string? Of(double? accuracy, int classes, string file)
    {
        if (accuracy is not { } right || classes < 2)
            return null;
        var chance = 100.0 / classes;
        if (right > Math.Min(chance * Share, chance + MostAbove))
            return null;
        string Percent(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
        return FormattableString.Invariant(
            $"ACCURACY LIKE GUESSING: {file} is right on {Percent(right)} % of the images that are to be kept, and with {classes} classes guessing gives {Percent(chance)} %. If it comes from elsewhere, it may have been trained on pixels that were normalised otherwise (try --mean and --std), on classes in another order than these images number them, or on images of another size (try --image-size).");
    }
}

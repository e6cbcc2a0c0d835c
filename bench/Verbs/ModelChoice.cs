using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Verbs;

/// <summary>The model of a report: the user's, or the best that the program has for the images.</summary>
/// <param name="File">Its file.</param>
/// <param name="Source">Where it came from, in words.</param>
/// <param name="Training">What training did, where this run trained it.</param>
/// <param name="Retrain">Its twin that was trained without the class to forget, or null.</param>
/// <param name="IsOurs">Whether it comes with the program.</param>
/// <param name="IsSmall">Whether it is the embedded set's, whose Retrain reference is made where it is wanted.</param>
internal sealed record ModelChoice(string File, string Source, TrainingResult? Training, string? Retrain, bool IsOurs = false, bool IsSmall = false)
{
    /// <summary>The class that is forgotten where the user names none: the paper's.</summary>
    public const string DefaultForgetClass = "4";

    /// <summary>Whether the images are the model's: of one that comes with the program it is known what it was trained on.</summary>
    /// <returns>What a reader of the results must know.</returns>
    /// <exception cref="EscException">They are not (bad input).</exception>
    public IReadOnlyList<string> Examine(Classifier model, DataTrust trust, DataSet data) =>
        IsOurs ? PretrainedModels.Examine(data) : trust.Examine(model, File, data);

    /// <summary>Chooses the model.</summary>
    /// <param name="context">The options.</param>
    /// <param name="scratch">A folder for files that this run makes.</param>
    /// <param name="device">Where to train, if that is needed.</param>
    /// <exception cref="UsageException">There is none for the images.</exception>
    public static ModelChoice Of(CommandContext context, string scratch, Device device)
    {
        var options = context.Options;
        if (context.Get(options.ModelFile) is { } given)
            return new ModelChoice(given, Setup.NameOf(given), null, null);
        if (context.Get(options.Data) == EmbeddedData.Name)
        {
            var (path, source, training) = SmallModel.Get(new ModelCache(context.Get(options.Cache)), scratch, context.Get(options.Seed), device, context);
            return new ModelChoice(path, source, training, null, IsSmall: true);
        }

        var classes = context.Get(options.ForgetIndices) is not null || context.Get(options.ForgetSubject) is not null || context.Get(options.ForgetClass)?.Contains('/', StringComparison.Ordinal) == true
            ? null
            : context.Get(options.ForgetClass) ?? DefaultForgetClass;
        var found = PretrainedModels.For(context.Get(options.Data), classes, scratch);
        return new ModelChoice(found.ModelFile, found.Source, null, found.Retrain, IsOurs: true);
    }
}

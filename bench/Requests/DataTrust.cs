using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>Whether images are those of a model, and what is done where they are not.</summary>
/// <param name="IsNamed">Whether the user named the images; where he did not, a model of other images is refused.</param>
/// <param name="AllowOther">Whether other images are taken, with a remark.</param>
internal sealed record DataTrust(bool IsNamed, bool AllowOther)
{
    private const int ShownClasses = 4;

    /// <summary>How model files are read.</summary>
    public ModelReading Reading { get; init; } = ModelReading.AsIs;

    /// <summary>What the options say.</summary>
    public static DataTrust Of(CommandContext context) => new(context.Has(context.Options.Data), context.Get(context.Options.AllowOtherData)) { Reading = ModelReading.Of(context) };

    /// <summary>What can be told at once: the number of classes, the colours, the names of the classes.</summary>
    /// <exception cref="EscException">The model is not one for these images (bad input).</exception>
    public void Check(Classifier model, string file, DataSet data) => _ = Named(model, file, data);

    /// <summary>Everything, the images themselves too.</summary>
    /// <returns>What a reader of the results must know.</returns>
    /// <exception cref="EscException">The model is not one for these images (bad input).</exception>
    public IReadOnlyList<string> Examine(Classifier model, string file, DataSet data)
    {
        var name = Setup.NameOf(file);
        if (Named(model, file, data) is { } other)
            return [other];
        var record = model.Description.Data;
        if (record?.Fingerprint is { } fingerprint)
        {
            if (fingerprint == data.Record.Fingerprint)
                return [];
            var found = $"{name} was trained on {record}; these images are {data.Record}";
            if (record.Transform is { } trained && data.Transform is { } here && trained != here.Name)
                found += $". They were brought to their size in another way than those: {here.Name} instead of {trained} (leave --resize out to do it as the model's were)";
            return IsNamed || AllowOther
                ? [$"The images are not those that the model was trained on: {found}. D_f and D_r may hold images that it never saw."]
                : throw Foreign(found);
        }

        if (record is not null && !IsNamed && !AllowOther && record.Name.Split(" without ")[0] != data.Name)
            throw Foreign($"{name} was trained on {record.Name}, these images are {data.Name}");
        var says = record is null ? "does not say which images it was trained on" : $"says of the images that it was trained on only that they are {record.Name}";
        return IsNamed || AllowOther || !IsNumbered(model)
            ? [$"{name} {says}: that it belongs to these images is told from the classes alone."]
            : throw Foreign($"{name} {says}, and its classes have no names");
    }

    private string? Named(Classifier model, string file, DataSet data)
    {
        if (data.ClassNames.Count != model.Classes || data.Train.Channels != model.Description.Channels)
        {
            throw new EscException(
                ErrorCode.BadInput,
                $"model and data do not belong together: {file} has {model.Classes} classes and {model.Description.Channels} channels, {data.Name} has {data.ClassNames.Count} and {data.Train.Channels}: give the model's own images with --data PATH");
        }

        var names = model.Description.ClassNames;
        // A checkpoint from elsewhere numbers its classes; of those only the count is known.
        if (names.SequenceEqual(data.ClassNames, StringComparer.Ordinal) || (model.Description.Data is null && IsNumbered(model)))
            return null;
        var found = $"{Setup.NameOf(file)} has the classes {Shown(names)}{(model.Description.Data is { } record ? $" ({record.Name})" : "")}, {data.Name} has {Shown(data.ClassNames)}";
        return AllowOther ? $"Model and data do not belong together, and were taken all the same (--allow-other-data): {found}." : throw Foreign(found);
    }

    private EscException Foreign(string found) => new(
        ErrorCode.BadInput,
        $"model and data do not belong together: {found}. Give the model's own images with --data PATH{(IsNamed ? "" : " (without it the embedded set is taken)")}, or take these all the same with --allow-other-data");

    private static bool IsNumbered(Classifier model) =>
        model.Description.ClassNames.Select((name, i) => name == i.ToString(CultureInfo.InvariantCulture)).All(same => same);

    private static string Shown(IReadOnlyList<string> names) => string.Join(", ", names.Take(ShownClasses)) + (names.Count > ShownClasses ? ", ..." : "");
}

using System.Globalization;
using System.Text;
using EscNative.Bench.Cli;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>How model files are read: what the options say of normalisation, classes and image size. The one place where verbs load models.</summary>
/// <param name="Options">What they say.</param>
internal sealed record ModelReading(ModelLoadOptions Options)
{
    private const int MostNames = 1 << 24;

    /// <summary>Every file as it is.</summary>
    public static ModelReading AsIs { get; } = new(new ModelLoadOptions());

    /// <summary>What the options of a verb say.</summary>
    /// <exception cref="UsageException">A value is impossible, or options want each other.</exception>
    /// <exception cref="DataFormatException">The file of names cannot be read.</exception>
    public static ModelReading Of(CommandContext context)
    {
        var options = context.Options;
        if (!context.Parsed.CommandResult.Command.Options.Contains(options.Mean))
            return AsIs;
        var (mean, deviation) = (context.Get(options.Mean), context.Get(options.Std));
        var reading = new ModelReading(new ModelLoadOptions
        {
            Normalisation = NormalisationOf(mean, deviation),
            ClassNames = context.Get(options.ClassNames) is { } names ? Names(names) : null,
            ImageSize = context.Get(options.ImageSize),
        });
        var isInspect = context.Parsed.CommandResult.Command.Name == "inspect";
        if (!isInspect && context.Get(options.ModelFile) is null && reading != AsIs)
            throw new UsageException("--mean, --std, --class-names and --image-size say how a model file is read: give it with --model-file FILE");
        return reading;
    }

    /// <summary>Loads a model in evaluation mode.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <param name="remarks">Gets what a reader of the results must know of how the file was understood, or null.</param>
    /// <exception cref="DataFormatException">The file cannot be used.</exception>
    /// <exception cref="UsageException">The options do not fit the model.</exception>
    public Classifier Load(string path, Device device, ICollection<string>? remarks = null)
    {
        var said = new List<string>();
        var model = ModelFile.Load(path, device, Options with { Remarks = said });
        foreach (var remark in remarks is null ? [] : said)
            remarks!.Add($"{Setup.NameOf(path)}: {remark}");
        return model;
    }

    /// <summary>The classes that <c>--class-names</c> names: a line each of a file, or a list with commas.</summary>
    /// <exception cref="UsageException">There is no such file, and it is no list; or a name is missing.</exception>
    /// <exception cref="DataFormatException">The file cannot be read.</exception>
    private static string[] Names(string text)
    {
        string[] names;
        if (File.Exists(text))
        {
            var content = InputFile.WithoutByteOrderMark(InputFile.ReadAll(text, MostNames), text);
            names = Encoding.UTF8.GetString(content.Span).TrimEnd().Split('\n');
        }
        else
        {
            names = text.Contains(',', StringComparison.Ordinal)
                ? text.Split(',')
                : throw new UsageException($"--class-names: got '{text}', which is neither a file nor a list with commas between");
        }

        names = Array.ConvertAll(names, name => name.Trim());
        return Array.FindIndex(names, name => name.Length == 0) is >= 0 and var empty
            ? throw new UsageException(FormattableString.Invariant($"--class-names: name {empty + 1} of {names.Length} is empty; wants one for every class, in the order of the scores"))
            : names;
    }

    private static Normalisation? NormalisationOf(string? mean, string? deviation)
    {
        if (mean is null && deviation is null)
            return null;
        var (means, deviations) = (mean is null ? null : Numbers("--mean", mean), deviation is null ? null : Numbers("--std", deviation));
        if (means is null || deviations is null)
            throw new UsageException($"{(means is null ? "--std" : "--mean")}: wants {(means is null ? "--mean" : "--std")} too, such as --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225");
        if (Array.FindIndex(deviations, v => v <= 0) is >= 0 and var bad)
            throw new UsageException($"--std: got {deviations[bad].ToString(CultureInfo.InvariantCulture)}, wants numbers above 0");
        if (means.Length != deviations.Length)
            throw new UsageException(FormattableString.Invariant($"--mean and --std: got {means.Length} and {deviations.Length} numbers, wants as many of both: one for every channel, or one for all"));
        return new Normalisation("--mean and --std", means, deviations);
    }

    private static float[] Numbers(string option, string text) =>
    [
        .. text.Split(',').Select(part => float.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && float.IsFinite(value)
            ? value
            : throw new UsageException($"{option}: got '{part}', wants numbers with commas between, on the scale 0 to 1 of pixels: 0.485,0.456,0.406, or one for all channels")),
    ];
}

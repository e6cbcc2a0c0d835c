using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>A model from elsewhere: what its tensors are, under the names that are known here, and what is assumed since its file does not say it.</summary>
/// <param name="Tensors">The file's tensors under the names of the architecture.</param>
/// <param name="Map">Whose names they had, or null where they are the architecture's own.</param>
/// <param name="Description">What the model is.</param>
internal sealed record ForeignModel(RenamedSource Tensors, NameMap? Map, ModelDescription Description)
{
    /// <summary>What stands beside the file, or null.</summary>
    public HuggingFaceConfig? Config { get; private init; }

    private const string SizeName = "size";
    private const int ShownChannels = 4;

    /// <summary>Looks what a file without our metadata holds.</summary>
    /// <exception cref="DataFormatException">No architecture knows the tensors, or they are a variant that computes something else.</exception>
    public static ForeignModel Recognise(INamedArraySource file)
    {
        string? variant = null;
        foreach (var (tensors, map) in NameMap.ViewsOf(file))
        {
            var reason = Variants.Of(tensors);
            variant ??= reason;
            ModelDescription? description;
            try
            {
                description = Architectures.Recognise(tensors);
            }
            catch (DataFormatException) when (reason is not null)
            {
                break;
            }

            if (description is null)
                continue;
            // An architecture of the user's may well have such tensors.
            if (reason is not null && Architectures.IsBuiltIn(description.Architecture))
                throw new DataFormatException(file.Name, null, $"looks like {description.Architecture}, but is not: {reason}");
            return new ForeignModel(tensors, map, description with { Normalisation = Preset(description, map) });
        }

        throw new DataFormatException(file.Name, null, variant is not null
            ? $"is not a model that this version knows: {variant}"
            : $"is not a model that this version knows ({string.Join(", ", Architectures.Names)}): no metadata {ModelMetadata.Prefix}architecture, and the names and shapes of its {file.Entries.Count} tensors{Examples(file)} fit none of them");
    }

    /// <summary>The same with what the files beside it say, as far as the options do not say it.</summary>
    /// <exception cref="DataFormatException">They contradict the tensors.</exception>
    public ForeignModel With(HuggingFaceConfig? config, ModelLoadOptions? options)
    {
        if (config is null)
            return this;
        config.Check(Tensors, Description, options?.ImageSize is not null);
        var description = Description with { Transform = config.Images?.Transform };
        if (config.ClassNames is { } names)
            description = description with { ClassNames = names };
        if (config.Images?.Normalisation is { } normalisation)
        {
            if (normalisation.Channels is var channels && channels != 1 && channels != description.Channels)
                throw config.Images.Json.Bad("image_mean", FormattableString.Invariant($"{description.Channels} numbers, one for every channel of the tensors"));
            description = description with { Normalisation = normalisation };
        }

        if (options?.ImageSize is null && (config.ImageSize ?? config.Images?.Size) is { } size)
        {
            try
            {
                description = Resized(description, size, new ModelLoadOptions(), isOurs: false);
            }
            catch (UsageException cause)
            {
                throw (config.ImageSize is null ? config.Images!.Json : config.Json!).Wrong(config.ImageSize is null ? "size" : "image_size", cause.Message);
            }
        }

        return this with { Description = description, Config = config };
    }

    /// <summary>Says how the file was understood and what was assumed.</summary>
    public void Explain(ModelLoadOptions options)
    {
        foreach (var said in Tensors.Remarks)
            options.Say(said);
        if (Map is not null)
            options.Say($"The tensors have the names of {Map.Source}.{(Map.Remark is { } remark && Config?.Json is null ? " " + remark : "")}");
        options.Say($"Taken as {Taken(options)}");
        if (options.Normalisation is null && Config?.Images?.Normalisation is not null)
            options.Say($"Normalisation: {Words(Description)}, as {HuggingFaceImages.FileName} beside it says.");
        else if (options.Normalisation is null)
            options.Say($"Normalisation: the file says none, {Description.Normalisation.Name} was assumed ({Words(Description)}), as is usual for {Map?.Source ?? Description.Architecture}; --mean and --std tell another.");
        if (options.ClassNames is null && Config?.ClassNames is { } names)
            options.Say($"Classes: the {names.Length} names ({string.Join(", ", names.Take(3))}{(names.Length > 3 ? ", ..." : "")}) are those of id2label in {HuggingFaceConfig.FileName} beside it.");
        else if (options.ClassNames is null)
            options.Say($"Classes: the file names none of the {Description.ClassNames.Count}, so they have numbers; --class-names tells them.");
        if (Description.Transform is { } transform)
        {
            var (height, width, _) = Description.Input();
            options.Say($"Photos: {transform.Describe(options.ImageSize ?? height, options.ImageSize ?? width)}, says {HuggingFaceImages.FileName} beside it; --resize tells another.");
        }

        foreach (var said in Config?.Remarks() ?? [])
            options.Say(said);
    }

    /// <summary>What the options say instead of what a description says.</summary>
    /// <param name="description">Of the file, or assumed.</param>
    /// <param name="options">What is told.</param>
    /// <param name="isOurs">Whether the file itself says it: replacing that is worth a remark.</param>
    /// <exception cref="UsageException">The options do not fit the model.</exception>
    public static ModelDescription Apply(ModelDescription description, ModelLoadOptions options, bool isOurs)
    {
        if (options.Normalisation is { } normalisation)
        {
            _ = normalisation.Table(description.Channels);
            if (isOurs)
                options.Say($"Normalisation: the file's own ({Words(description)}) was replaced.");
            description = description with { Normalisation = normalisation };
            options.Say($"Normalisation: {Words(description)}, as the options say.");
        }

        if (options.ClassNames is { } names)
        {
            if (names.Count != description.ClassNames.Count)
                throw new UsageException(FormattableString.Invariant($"class names: got {names.Count}, the model has {description.ClassNames.Count} classes"));
            if (isOurs && !names.SequenceEqual(description.ClassNames, StringComparer.Ordinal))
                options.Say($"Classes: the file's own names ({string.Join(", ", description.ClassNames.Take(3))}{(names.Count > 3 ? ", ..." : "")}) were replaced.");
            description = description with { ClassNames = [.. names] };
        }

        return options.ImageSize is { } size ? Resized(description, size, options, isOurs) : description;
    }

    private static ModelDescription Resized(ModelDescription description, int size, ModelLoadOptions options, bool isOurs)
    {
        var (height, width, _) = description.Input();
        if (height == size && width == size)
            return description;
        var values = description.Hyperparameters.Values.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);
        if (!values.ContainsKey(SizeName))
            throw new UsageException(FormattableString.Invariant($"image size: got {size}, {description.Architecture} takes {height} x {width} only"));
        values[SizeName] = size.ToString(CultureInfo.InvariantCulture);
        if (isOurs)
            options.Say(FormattableString.Invariant($"Image size: the file's own ({height}) was replaced by {size}."));
        return description with { Hyperparameters = Architectures.Get(description.Architecture).Parse(values) };
    }

    // What of a network its tensors do not tell is in these words: with a 3x3 stem there may have been a pooling, and images have some size.
    private string Taken(ModelLoadOptions options)
    {
        var values = Description.Hyperparameters.Values;
        var words = string.Join(", ", values.Where(v => v.Name != SizeName).Select(v => $"{v.Name} {v.Value}"));
        var network = words.Length > 0 ? $"{Description.Architecture} ({words})" : Description.Architecture;
        if (options.ImageSize is not null)
            return network + ".";
        var (height, width, _) = Description.Input();
        return FormattableString.Invariant($"{network}, images of {height} x {width}{(Config?.ImageSize is not null ? $", as {HuggingFaceConfig.FileName} beside it says" : Config?.Images?.Size is not null ? $", as {HuggingFaceImages.FileName} beside it says" : "")}{(values.Any(v => v.Name == SizeName) ? "; --image-size tells another" : "")}.");
    }

    private static Normalisation Preset(ModelDescription description, NameMap? map)
    {
        // Statistics of colours are no use for other images.
        if (!Architectures.IsBuiltIn(description.Architecture) || description.Channels != 3)
            return description.Normalisation;
        return map?.Normalisation ?? (description.Architecture.StartsWith("resnet", StringComparison.Ordinal) ? Normalisation.ImageNet : Normalisation.Half);
    }

    private static string Words(ModelDescription description)
    {
        // Of more channels the first ones tell enough.
        var channels = Enumerable.Range(0, Math.Min(description.Channels, ShownChannels)).ToArray();
        return $"mean {Join(description.Normalisation.Mean)}, std {Join(description.Normalisation.Std)}";

        string Join(Func<int, float> value) => string.Join(",", channels.Select(c => value(c).ToString(CultureInfo.InvariantCulture)).Distinct().Count() == 1
            ? [value(0).ToString(CultureInfo.InvariantCulture)]
            : channels.Select(c => value(c).ToString(CultureInfo.InvariantCulture)));
    }

    private static string Examples(INamedArraySource file) => file.Entries.Count == 0
        ? ""
        : $" ({string.Join(", ", file.Entries.Take(3).Select(e => $"'{e.Name}' [{string.Join(", ", e.Shape.ToArray())}]"))}{(file.Entries.Count > 3 ? ", ..." : "")})";
}

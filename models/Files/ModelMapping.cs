using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>One tensor of a file beside the network that the file holds.</summary>
/// <param name="Stored">Its name in the file, or null for one that the file lacks.</param>
/// <param name="Name">Its name in the network, or null where the network has no such tensor.</param>
/// <param name="Problem">What does not fit, or null.</param>
public sealed record TensorPlace(string? Stored, string? Name, string? Problem)
{
    /// <summary>The shape that the architecture brings it to (<see cref="IArchitecture.FitMethod"/>), in words; null where it is taken as it is.</summary>
    public string? Fitted { get; init; }
}

/// <summary>Which tensors of a file belong where in the network that it holds, and which do not.</summary>
/// <param name="Architecture">The network's architecture, or null where none knows the file.</param>
/// <param name="Source">Whose names the file has, or null where they are the architecture's own.</param>
/// <param name="Places">The file's tensors in its order, then those that it lacks. Empty where no architecture knows it.</param>
public sealed record ModelMapping(string? Architecture, string? Source, IReadOnlyList<TensorPlace> Places)
{
    /// <summary>Compares a file with the network that it holds.</summary>
    /// <param name="file">The file.</param>
    /// <param name="options">What the file does not say, as it would be loaded with, or null.</param>
    /// <exception cref="DataFormatException">Metadata of ours is damaged, or claims another network than the tensors make.</exception>
    /// <exception cref="UsageException">The options do not fit the model.</exception>
    public static ModelMapping Of(INamedArraySource file, ModelLoadOptions? options = null) => Of(file, null, options);

    /// <summary>Compares a file with the network that it holds, as it is loaded with what stands beside it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Where it lies, or null: then nothing is looked for beside it. What there is and contradicts the tensors is passed over:
    /// loading says it.</param>
    /// <param name="options">What the file does not say, as it would be loaded with, or null.</param>
    /// <exception cref="DataFormatException">Metadata of ours is damaged, or claims another network than the tensors make.</exception>
    /// <exception cref="UsageException">The options do not fit the model.</exception>
    public static ModelMapping Of(INamedArraySource file, string? path, ModelLoadOptions? options)
    {
        ArgumentNullException.ThrowIfNull(file);
        RenamedSource tensors;
        ModelDescription description;
        string? source = null;
        if (ModelMetadata.IsOurs(file))
        {
            tensors = RenamedSource.WithoutWrappers(file);
            description = ModelMetadata.Read(tensors);
        }
        else
        {
            ForeignModel foreign;
            try
            {
                foreign = ForeignModel.Recognise(file);
            }
            catch (DataFormatException)
            {
                return new ModelMapping(null, null, []);
            }

            (tensors, var map, description) = Beside(foreign, path, options);
            source = map?.Source;
        }

        if (options is not null)
            description = ForeignModel.Apply(description, options with { Remarks = null }, isOurs: false);
        Dictionary<string, int[]> wanted;
        using (var model = ModelFile.Empty(tensors, description))
            wanted = ModelFile.ShapesOf(model);
        var places = new List<TensorPlace>();
        var named = tensors.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
        foreach (var entry in tensors.Entries)
        {
            // Of several that are joined to one, each has that one's place.
            foreach (var stored in tensors.StoredNames(entry.Name))
            {
                places.Add(!wanted.TryGetValue(entry.Name, out var shape)
                    ? new TensorPlace(stored, null, ModelFile.IsErasure(entry.Name) ? null : $"not in {description.Architecture}")
                    : PlaceOf(tensors, entry, stored, shape, description));
            }
        }

        foreach (var (name, shape) in wanted)
        {
            if (!named.ContainsKey(name) && !ModelFile.IsCounter(name))
                places.Add(new TensorPlace(null, name, $"missing [{string.Join(", ", shape)}]"));
        }

        var order = file.Entries.Select((e, i) => (e.Name, i)).ToDictionary(e => e.Name, e => e.i, StringComparer.Ordinal);
        return new ModelMapping(description.Architecture, source, [.. places.OrderBy(p => p.Stored is { } stored ? order[stored] : int.MaxValue)]);
    }

    private static ForeignModel Beside(ForeignModel model, string? path, ModelLoadOptions? options)
    {
        try
        {
            return path is null ? model : model.With(HuggingFaceConfig.Beside(path, _ => { }), options);
        }
        catch (DataFormatException)
        {
            return model;
        }
    }

    // As it is loaded: a tensor of another shape is first given to the architecture, which may know what to make of it.
    private static TensorPlace PlaceOf(RenamedSource tensors, NamedArrayInfo entry, string stored, int[] shape, ModelDescription description)
    {
        if (entry.Shape.Length == 0 || shape.AsSpan().SequenceEqual(entry.Shape))
            return new TensorPlace(stored, entry.Name, null);
        var place = new TensorPlace(stored, entry.Name, $"wants [{string.Join(", ", shape)}]");
        if (entry.Type is null || Architectures.Find(description.Architecture) is not { } architecture)
            return place;
        return architecture.Fit(entry.Name, tensors.Read(entry.Name), description).Shape.SequenceEqual(shape)
            ? place with { Problem = null, Fitted = $"becomes [{string.Join(", ", shape)}]" }
            : place;
    }
}

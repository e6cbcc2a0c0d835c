using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Models.Erasure;

namespace EscNative.Models;

/// <summary>Models as safetensors files: PyTorch's names and layout (convolutions [out, in, kh, kw]), metadata for the rest.</summary>
/// <remarks>Files from elsewhere load too, as checkpoints of PyTorch, safetensors or .npz: the architecture then follows from the names and shapes of
/// the tensors, also under the names of torchvision, timm, Hugging Face and public CIFAR networks.</remarks>
public static class ModelFile
{
    /// <summary>Saves a model, with its erasure.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="force">Whether a file of that name may be replaced.</param>
    /// <param name="notes">Further metadata (training recipe, seed), or null.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Save(Classifier model, string path, bool force = false, IReadOnlyDictionary<string, string>? notes = null) =>
        AtomicFile.Write(path, stream => Write(model, stream, notes), force);

    /// <summary>Writes a model, with its erasure, to a stream.</summary>
    /// <param name="model">The model.</param>
    /// <param name="stream">Where to write.</param>
    /// <param name="notes">Further metadata (training recipe, seed), or null.</param>
    public static void Write(Classifier model, Stream stream, IReadOnlyDictionary<string, string>? notes = null)
    {
        var arrays = ToArrays(model);
        var metadata = ModelMetadata.Describe(model, notes);
        if (model.Erasure is { } erasure)
            ErasureArrays.Write(erasure, arrays, metadata);
        SafetensorsWriter.Write(stream, arrays, metadata);
    }

    /// <summary>Loads a model in evaluation mode.</summary>
    /// <param name="path">The file, or a folder as Hugging Face keeps models: <c>config.json</c> and <c>preprocessor_config.json</c> beside the
    /// weights of another library are read too.</param>
    /// <param name="device">Where the parameters live; the CPU by default.</param>
    /// <param name="options">What the file does not say, or null.</param>
    /// <exception cref="DataFormatException">The file is damaged, of an unknown architecture, or lacks or adds tensors.</exception>
    /// <exception cref="UsageException">The options do not fit the model.</exception>
    public static Classifier Load(string path, Device? device = null, ModelLoadOptions? options = null)
    {
        options?.Validate();
        path = ModelFolder.FileOf(path);
        using var file = ArrayFile.Open(path);
        return Load(file, path, device, options);
    }

    /// <summary>Loads a model in evaluation mode from an open file.</summary>
    /// <inheritdoc cref="Load(string, Device?, ModelLoadOptions?)"/>
    public static Classifier Load(INamedArraySource file, Device? device = null, ModelLoadOptions? options = null) => Load(file, null, device, options);

    /// <summary>Loads a model in evaluation mode from an open file, with what stands beside it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Where it lies, or null: then nothing is looked for beside it.</param>
    /// <param name="device">Where the parameters live; the CPU by default.</param>
    /// <param name="options">What the file does not say, or null.</param>
    /// <exception cref="DataFormatException">As for <see cref="Load(string, Device?, ModelLoadOptions?)"/>.</exception>
    /// <exception cref="UsageException">The options do not fit the model.</exception>
    public static Classifier Load(INamedArraySource file, string? path, Device? device, ModelLoadOptions? options)
    {
        ArgumentNullException.ThrowIfNull(file);
        options?.Validate();
        var foreign = ModelMetadata.IsOurs(file) ? null : ForeignModel.Recognise(file);
        if (foreign is not null && path is not null)
            foreign = foreign.With(HuggingFaceConfig.Beside(path, remark => options?.Say(remark)), options);
        var tensors = foreign?.Tensors ?? RenamedSource.WithoutWrappers(file);
        var description = foreign?.Description ?? ModelMetadata.Read(tensors);
        if (foreign is not null)
            CheckReadable(tensors);
        if (options is not null)
        {
            foreign?.Explain(options);
            description = ForeignModel.Apply(description, options, isOurs: foreign is null);
        }

        var model = Empty(tensors, description, device);
        try
        {
            Fill(model, tensors, ErasureArrays.ArrayPrefix, options);
            if (ErasureArrays.Read(tensors, model.FeatureWidth) is { } erasure)
                model.SetErasure(erasure);
            model.Forgotten = ModelRecords.ReadForgotten(tensors, model);
            model.Training = false;
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Parameters, running statistics and counters with PyTorch's names and layout, without the erasure.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prefix">What stands before each name.</param>
    public static List<NamedArray> ToArrays(Classifier model, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prefix);
        var arrays = new List<NamedArray>();
        var names = NamesOf(model);
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        foreach (var (name, parameter) in model.NamedParameters)
            arrays.Add(ToPyTorch(parameter.Value).ToNamedArray(prefix + names(name)));
        foreach (var (name, buffer) in model.NamedBuffers)
            arrays.Add(buffer.ToNamedArray(prefix + names(name)));
        foreach (var (name, counter) in model.NamedCounters)
            arrays.Add(NamedArray.From(prefix + names(name), [], [counter.Value]));
        return arrays;
    }

    /// <summary>Overwrites the model's values with what <see cref="ToArrays"/> gave, saved with a prefix before each name.</summary>
    /// <exception cref="DataFormatException">The file lacks or adds tensors of that prefix, or one has another shape or is not finite.</exception>
    public static void FillFrom(Classifier model, INamedArraySource file, string prefix) => Fill(model, RenamedSource.Under(file, prefix), null);

    /// <summary>A network of a file's size, with starting values.</summary>
    /// <exception cref="DataFormatException">The file's tensors do not make that size, or there is no such network.</exception>
    internal static Classifier Empty(RenamedSource tensors, ModelDescription description, Device? device = null)
    {
        try
        {
            CheckOutline(tensors, description);
            return Architectures.Create(description, device: device);
        }
        catch (UsageException cause)
        {
            throw new DataFormatException(tensors.Name, null, cause.Message, cause);
        }
    }

    /// <summary>The shapes of a model's tensors by their names in files.</summary>
    internal static Dictionary<string, int[]> ShapesOf(Classifier model)
    {
        var names = NamesOf(model);
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        var shapes = model.NamedParameters.Select(p => (p.Name, ToPyTorch(p.Parameter.Value).Shape.ToArray()))
            .Concat(model.NamedBuffers.Select(b => (b.Name, b.Buffer.Shape.ToArray())))
            .Concat(model.NamedCounters.Select(c => (c.Name, Array.Empty<int>())));
        return shapes.ToDictionary(s => names(s.Name), s => s.Item2, StringComparer.Ordinal);
    }

    /// <summary>Whether a tensor belongs to an erasure, not to the network.</summary>
    internal static bool IsErasure(string name) => name.StartsWith(ErasureArrays.ArrayPrefix, StringComparison.Ordinal);

    /// <summary>Whether a tensor counts batches, which files may lack.</summary>
    internal static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    private static void Fill(Classifier model, RenamedSource file, string? exceptPrefix, ModelLoadOptions? options = null)
    {
        var left = file.Entries.Select(e => e.Name)
            .Where(n => exceptPrefix is null || !n.StartsWith(exceptPrefix, StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
        var names = NamesOf(model);
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        // Everything is read and checked before the model is touched.
        var values = new List<(Tensor To, Tensor From)>();
        var counts = new List<(Counter Counter, long Value)>();
        foreach (var (name, parameter) in model.NamedParameters)
            values.Add((parameter.Value, FromPyTorch(Read(names(name), ToPyTorch(parameter.Value).Shape.ToArray()))));
        foreach (var (name, buffer) in model.NamedBuffers)
            values.Add((buffer, Read(names(name), buffer.Shape.ToArray())));
        foreach (var (name, counter) in model.NamedCounters)
        {
            // Files from before PyTorch counted batches have none.
            if (left.Remove(names(name)))
                counts.Add((counter, Count(file, names(name))));
        }

        if (left.Count > 0)
            throw Unexpected(file, left, model, names);
        foreach (var (to, from) in values)
            to.Assign(from);
        foreach (var (counter, value) in counts)
            counter.Value = value;

        NamedArray Fitted(IArchitecture architecture, string name, NamedArray array)
        {
            var fitted = architecture.Fit(name, array, model.Description);
            if (!ReferenceEquals(fitted, array))
                options?.Say($"Tensor '{name}' {Text(array.Shape)} became {Text(fitted.Shape)}: {architecture.FitMethod}.");
            return fitted;
        }

        Tensor Read(string name, int[] shape)
        {
            if (!left.Remove(name))
                throw Lacks(file, name, shape, model.Description, left);
            var array = file.Read(name);
            if (Architectures.Find(model.Description.Architecture) is { } architecture)
                array = Fitted(architecture, name, array);
            CheckShape(file, name, array.Shape, shape, model.Description);
            var numbers = array.ToFloat32();
            if (Array.FindIndex(numbers, v => !float.IsFinite(v)) is >= 0 and var bad)
            {
                var value = array.ToFloat64()[bad];
                throw new DataFormatException(file.Name, null, double.IsFinite(value)
                    ? FormattableString.Invariant($"tensor '{name}' holds {value:R} at value {bad}, which single precision does not: scale the model, or the file is damaged")
                    : FormattableString.Invariant($"tensor '{name}' holds {value} at value {bad}: the model diverged in training, or the file is damaged"));
            }

            if (name.EndsWith(".running_var", StringComparison.Ordinal) && Array.FindIndex(numbers, v => v < 0) is >= 0 and var negative)
                throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}' holds {numbers[negative]} at value {negative}; a variance is 0 or more"));
            return Tensor.From(numbers, new Shape(shape), model.Device);
        }
    }

    // A count may have any type: a whole model is often converted at once, and PyTorch loads it.
    private static long Count(RenamedSource file, string name)
    {
        const long most = 1L << 62;
        var array = file.Read(name);
        if (array.Count != 1)
            throw new DataFormatException(file.Name, null, $"tensor '{name}' {Text(array.Shape)} has {array.Count} values, wants one: the number of batches seen");
        var value = array.ToFloat64()[0];
        // Half precision ends at 65,504; a count beyond it became infinite, and only says that there were many.
        if (array.Type == ArrayType.F16 && double.IsPositiveInfinity(value))
            return (long)Half.MaxValue;
        return value is >= 0 and < most
            ? array.Type is ArrayType.F16 or ArrayType.BF16 or ArrayType.F32 or ArrayType.F64 ? (long)value : array.ToInt64()[0]
            : throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}' holds {value:R}, wants a number of batches from 0 to 2^62"));
    }

    // A tensor may be listed and have no values that can be read, and then any shape.
    private static void CheckReadable(RenamedSource file)
    {
        foreach (var entry in file.Entries)
            CheckReadable(file, entry);
    }

    private static void CheckReadable(RenamedSource file, NamedArrayInfo entry)
    {
        if (entry.Type is not null)
            return;
        // It has the right words.
        _ = file.Read(entry.Name);
        throw new DataFormatException(file.Name, null, $"tensor '{entry.Name}'{Stored(file, entry.Name)} is of {entry.TypeName}, which is not read");
    }

    // What a header claims is compared with the file's own tensors before memory is taken for it.
    private static void CheckOutline(RenamedSource file, ModelDescription description)
    {
        foreach (var (name, shape) in Architectures.Get(description.Architecture).Outline(description))
        {
            if (file.Find(name) is not { } entry)
                throw Lacks(file, name, shape, description, file.Entries.Select(e => e.Name));
            CheckReadable(file, entry);
            CheckShape(file, name, entry.Shape, shape, description);
        }
    }

    private static void CheckShape(RenamedSource file, string name, ReadOnlySpan<int> shape, ReadOnlySpan<int> wanted, ModelDescription description)
    {
        if (shape.SequenceEqual(wanted))
            return;
        var model = description.Hyperparameters.ToString() is { Length: > 0 } values ? $"{description.Architecture} ({values})" : description.Architecture;
        throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}'{Stored(file, name)} is {Text(shape)}, {model} for {description.Channels} channels and {description.ClassNames.Count} classes wants {Text(wanted)}"));
    }

    private static DataFormatException Lacks(RenamedSource file, string name, ReadOnlySpan<int> shape, ModelDescription description, IEnumerable<string> others)
    {
        var nearest = NearestName.Of(name, others) is { } near ? $"; nearest there is '{near}'{Stored(file, near)} {Text(file.Find(near)!.Shape)}" : "";
        return new DataFormatException(file.Name, null, $"lacks the tensor '{name}' {Text(shape)} of {description.Architecture}{nearest}");
    }

    private static DataFormatException Unexpected(RenamedSource file, HashSet<string> left, Classifier model, Func<string, string> names)
    {
        const int shown = 3;
        var architecture = model.Description.Architecture;
        var first = left.Order(StringComparer.Ordinal).Take(shown).Select(n => $"'{n}'{Stored(file, n)} {Text(file.Find(n)!.Shape)}");
        var own = model.NamedParameters.Select(p => p.Name).Concat(model.NamedBuffers.Select(b => b.Name)).Select(names);
        var nearest = left.Count == 1 && NearestName.Of(left.First(), own) is { } near ? $"; nearest of its own is '{near}', which the file has too" : "";
        return new DataFormatException(
            file.Name, null, $"has {left.Count} tensors that {architecture} does not have, the first is {string.Join(", ", first)}{nearest}. A network with further layers computes something else: it is not taken for {architecture}");
    }

    // What it is called in the file itself, where that is something else.
    private static string Stored(RenamedSource file, string name) => file.StoredName(name) is var stored && stored != name ? $" (in the file: {stored})" : "";

    private static string Text(ReadOnlySpan<int> shape) => $"[{string.Join(", ", shape.ToArray())}]";

    private static Func<string, string> NamesOf(Classifier model) =>
        Architectures.Find(model.Description.Architecture) is { } architecture ? architecture.PyTorchName : name => name;

    // Convolution weights [out, kh, kw, in] here, [out, in, kh, kw] in PyTorch.
    private static Tensor ToPyTorch(Tensor weight) => weight.Shape.Rank == 4 ? weight.Permute(0, 3, 1, 2) : weight;

    private static Tensor FromPyTorch(Tensor weight) => weight.Shape.Rank == 4 ? weight.Permute(0, 2, 3, 1) : weight;
}

using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>The models that come with the program: All-CNN on CIFAR-10, and its Retrain reference without class 4.</summary>
/// <remarks>How they were trained stands in the README beside them.</remarks>
internal static class PretrainedModels
{
    private const string Original = "allcnn-cifar10.safetensors";
    private const string Retrained = "allcnn-cifar10-without-4.safetensors";
    public const int RetrainedWithout = 4;

    /// <summary><see cref="ImageSet.ContentHash"/> of the training images of CIFAR-10. The files were written before models recorded it.</summary>
    public const string Fingerprint = "426b18b72046b0b54e74e48c9f4420742c3d978b3dd22225bc2e2d7e5b3d3660";

    /// <summary>A model file and where it came from in words; the Retrain reference for the request, or null where there is none.</summary>
    public readonly record struct Found(string ModelFile, string Source, string? Retrain);

    /// <summary>The models for some images.</summary>
    /// <param name="dataPath">The images.</param>
    /// <param name="forgetClasses">The classes to forget as the user named them, or null for a request by images.</param>
    /// <param name="folder">Where the files are written.</param>
    /// <exception cref="UsageException">There is none for these images.</exception>
    public static Found For(string dataPath, string? forgetClasses, string folder)
    {
        var path = Write(Original, folder);
        DataSet data;
        using (var model = ModelFile.Load(path))
        {
            data = Inputs.Open(dataPath, model.Description);
            if (!model.Description.ClassNames.SequenceEqual(data.ClassNames) || model.Description.Channels != data.Train.Channels)
            {
                throw new UsageException(
                    $"report: there is no model for {data.Name} in the program, only one for CIFAR-10: give --model-file FILE (escnative train makes one), or leave --data out for the embedded set");
            }
        }

        var forgotten = forgetClasses is null ? [] : Inputs.Classes(forgetClasses, data.ClassNames).Classes.ToArray();
        return new Found(path, "comes with the program", forgotten is [RetrainedWithout] ? Write(Retrained, folder) : null);
    }

    /// <summary>Whether the images are the 50,000 that the models were trained on.</summary>
    /// <returns>What a reader of the results must know where they are not.</returns>
    public static IReadOnlyList<string> Examine(DataSet data) => data.Record.Fingerprint == Fingerprint
        ? []
        : [$"The images are not those that the model was trained on, which are the training images of CIFAR-10 (SHA-256 {Fingerprint[..12]}); these are {data.Record}."];

    private static string Write(string name, string folder)
    {
        var path = Path.Combine(folder, name);
        using var source = typeof(PretrainedModels).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the program lacks its resource {name}");
        using var target = File.Create(path);
        source.CopyTo(target);
        return path;
    }
}

using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Bench;

/// <summary>A folder with a model of 8 features for the embedded images, untrained: enough for every path of the command line.</summary>
public sealed class SmallFiles : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SmallFiles()
    {
        var data = EmbeddedData.Open();
        var description = new ModelDescription
        {
            Hyperparameters = new AllCnnHyperparameters(0.05),
            Channels = 3,
            ClassNames = data.ClassNames,
            Normalisation = data.Normalisation,
        };
        using var model = Architectures.Create(description, 1);
        Width = model.FeatureWidth;
        ModelFile.Save(model, Model);
        File.WriteAllBytes(Truncated, File.ReadAllBytes(Model)[..^100]);
        File.WriteAllText(Existing, "mine");
    }

    public int Width { get; }

    public string Model => _folder["model.safetensors"];

    public string Truncated => _folder["truncated.safetensors"];

    public string Existing => _folder["existing.safetensors"];

    public string Folder => _folder.Path;

    public string this[string name] => _folder[name];

    public void Dispose() => _folder.Dispose();
}

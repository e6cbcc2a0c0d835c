using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using EscNative.Bench.Cli;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Peers;

/// <summary>The model and the images of a comparison, as this engine has them and as they travel to peers.</summary>
internal sealed class ComparedModel : IDisposable
{
    /// <summary>The name under which peers get the model's file.</summary>
    public const string Blob = "model";

    private readonly ScratchFolder _folder = new();
    private readonly string _file;

    /// <summary>A model and images for it.</summary>
    /// <param name="model">The model; owned by the caller.</param>
    /// <param name="split">The images, cut along the request.</param>
    /// <exception cref="UsageException">The model is erased already.</exception>
    public ComparedModel(Classifier model, ForgetSplit split)
    {
        if (model.Erasure is not null)
            throw new UsageException("peers: the model is erased already; give the original one");
        Model = model;
        Split = split;
        _file = Path.Combine(_folder.Path, "model.safetensors");
        ModelFile.Save(model, _file);
    }

    /// <summary>The model.</summary>
    public Classifier Model { get; }

    /// <summary>The images.</summary>
    public ForgetSplit Split { get; }

    /// <summary>The model as a safetensors file.</summary>
    public byte[] FileContent() => File.ReadAllBytes(_file);

    /// <summary>Another copy of the model.</summary>
    public Classifier Copy() => ModelFile.Load(_file, Model.Device);

    /// <summary>The first test images as the network takes them, [n, h, w, c].</summary>
    /// <exception cref="UsageException">There are not as many.</exception>
    public (float[] Images, int[] Labels) Batch(int count)
    {
        var set = Split.Data.Test;
        if (set.Count < count)
            throw new UsageException($"peers: {set.Name} has {set.Count} images, a batch takes {count}");
        var loader = new BatchLoader(set, Model.Description.Normalisation, new BatchOptions { BatchSize = count });
        // The batch lives until the enumeration ends.
        foreach (var batch in loader.Epoch())
            return (batch.Images.ToArray(), batch.Labels.ToArray<int>());
        throw new UnreachableException();
    }

    /// <summary>The size of an image, for requests.</summary>
    public JsonObject Describe(string operation) => new()
    {
        ["op"] = operation,
        ["height"] = Split.Data.Test.Height,
        ["width"] = Split.Data.Test.Width,
        ["channels"] = Split.Data.Test.Channels,
    };

    public static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes<float>(values).ToArray();

    public void Dispose() => _folder.Dispose();
}

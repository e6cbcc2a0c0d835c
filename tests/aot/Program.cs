using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using EscNative;
using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

// Trains, compiles, erases, saves and loads, and prints a hash of all bits after each step: what the two compilers must agree on.
// --hello makes one tensor and ends: the time to start.
if (args is ["--hello"])
{
    using var one = Tensor.Ones(new Shape(1));
    Console.WriteLine(one.Item());
    return 0;
}

if (args is not [var folder])
{
    Console.Error.WriteLine("got no folder to save in; wants FOLDER or --hello");
    return 2;
}

const int Images = 96, Side = AllCnn.ImageSize, Channels = 3;
string[] classes = ["red", "green", "blue", "grey"];
Console.WriteLine($"instructions {(Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated && Fma.IsSupported ? 256 : 128)} bits");

var data = new DataSet("stripes", Stripes(Images, 1), Stripes(Images / 3, 2), Normalisation.Half);
var description = new ModelDescription
{
    Hyperparameters = new AllCnnHyperparameters(0.125),
    Channels = Channels,
    ClassNames = classes,
    Normalisation = Normalisation.Half,
};
using var model = Architectures.Create(description, seed: 3);
var epochs = new Trainer(model, data, new TrainOptions { Epochs = 2, BatchSize = 32, CropPadding = 2 }).Run();
Print<double>("losses", [.. epochs.Select(epoch => epoch.Loss)]);
PrintWeights("weights", model);

var images = new byte[data.Test.Count * data.Test.ImageSize];
for (var i = 0; i < data.Test.Count; i++)
    data.Test.Pixels(i).CopyTo(images.AsSpan(i * data.Test.ImageSize));
PrintOutputs("trained", model);

var split = ForgetSplit.Create(data, ForgetRequest.ForClasses(2));
foreach (var (name, options) in new (string, UnlearningOptions)[]
{
    ("esc", new UnlearningOptions { Directions = 2 }),
    ("esc-t", new UnlearningOptions { Parameters = new Dictionary<string, double> { ["epochs"] = 3 } }),
})
{
    using var copy = model.Copy();
    var method = MethodRegistry.Create(name);
    method.Run(UnlearningContext.For(method, copy, split, options));
    PrintOutputs(name, copy);
    var path = Path.Combine(folder, name + ".safetensors");
    ModelFile.Save(copy, path, force: true);
    Print<byte>($"{name} file", File.ReadAllBytes(path));
    using var loaded = ModelFile.Load(path);
    PrintWeights($"{name} loaded", loaded);
    PrintOutputs($"{name} loaded", loaded);
}

// What a host may ask for by type, which is where the types of a tensor and of memory meet.
using (Tensor.Scope())
{
    Print("float32", Tensor.From([1f, 2], new Shape(2)).ToArray<float>());
    Print("float64", Tensor.From([1.0, 2], new Shape(2)).ToArray<double>());
    Print("int32", Tensor.From([1, 2], new Shape(2)).ToArray<int>());
    Print("uint8", Tensor.From((ReadOnlySpan<byte>)[1, 2], new Shape(2)).ToArray<byte>());
    Print("bfloat16", Tensor.From([1f, 2], new Shape(2)).To(DType.BF16).ToArray<ushort>());
    try
    {
        Tensor.Ones(new Shape(2)).ToArray<int>();
    }
    catch (DTypeException wrong)
    {
        Print<char>("wrong type", wrong.Message);
    }
}

return 0;

static ImageSet Stripes(int count, ulong seed)
{
    var random = new RandomSource(seed);
    var pixels = new byte[count * Side * Side * Channels];
    var labels = new int[count];
    for (var i = 0; i < pixels.Length; i++)
    {
        var (image, row, channel) = (i / (Side * Side * Channels), i / (Side * Channels) % Side, i % Channels);
        labels[image] = image % 4;
        pixels[i] = (byte)((labels[image] == channel || (labels[image] == 3 && row % 4 < 2) ? 140 : 60) + random.NextInt(60));
    }

    return new ImageSet("stripes", pixels, labels, Side, Side, Channels, ["red", "green", "blue", "grey"]);
}

void PrintOutputs(string name, Classifier classifier)
{
    using var compiled = CompiledExtractor.Compile(classifier, Side, Side);
    var n = data.Test.Count;
    var (features, logits) = (new float[n * compiled.FeatureWidth], new float[n * compiled.Classes]);
    compiled.Plan.Run(images, features, logits);
    Print<float>($"{name} features", features);
    Print<float>($"{name} logits", logits);
    // Without a plan, operation by operation.
    var bank = FeatureBank.Extract(classifier, data.Test);
    Print<float>($"{name} eager features", bank.Features);
    Print<float>($"{name} eager logits", bank.Logits);
}

static void PrintWeights(string name, Classifier classifier)
{
    using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    foreach (var (_, parameter) in classifier.NamedParameters)
        hash.AppendData(MemoryMarshal.AsBytes<float>(parameter.Value.ToArray()));
    foreach (var (_, buffer) in classifier.NamedBuffers)
        hash.AppendData(MemoryMarshal.AsBytes<float>(buffer.ToArray()));
    Console.WriteLine($"{name} {Convert.ToHexStringLower(hash.GetHashAndReset())}");
}

static void Print<T>(string name, ReadOnlySpan<T> values)
    where T : unmanaged =>
    Console.WriteLine($"{name} {values.Length} {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(values)))}");

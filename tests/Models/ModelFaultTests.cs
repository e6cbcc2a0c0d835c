using System.Runtime.InteropServices;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Formats;
using EscNative.Tests.Unlearning;

namespace EscNative.Tests.Models;

/// <summary>Model files as other programs write them, and as they are damaged: each loads, or is refused with its name and the rule.</summary>
public sealed class ModelFaultTests
{
    private const string Counter = "features.1.1.num_batches_tracked";

    public static TheoryData<ArrayType> FloatingTypes => [ArrayType.F16, ArrayType.BF16, ArrayType.F32, ArrayType.F64];

    [Theory]
    [MemberData(nameof(FloatingTypes))]
    public void A_model_converted_as_a_whole_loads_with_its_counters(ArrayType type)
    {
        using var folder = new TemporaryFolder();
        using var model = Small(batches: 12);
        var path = Save(folder, model, arrays => [.. arrays.Select(a => Converted(a, type))]);
        using var loaded = ModelFile.Load(path);
        Assert.All(loaded.NamedModules.Select(m => m.Module).OfType<BatchNorm2d>(), norm => Assert.Equal(12, norm.BatchesTracked));
        var (mine, theirs) = (model.Parameters.SelectMany(p => p.Value.ToArray()), loaded.Parameters.SelectMany(p => p.Value.ToArray()));
        var tolerance = type switch { ArrayType.F16 => 1e-3f, ArrayType.BF16 => 1e-2f, _ => 0f };
        Assert.All(mine.Zip(theirs), pair => Assert.InRange(pair.Second, pair.First - tolerance, pair.First + tolerance));
    }

    [Theory]
    [InlineData("F16", 65504, 65504)]
    [InlineData("F16", double.PositiveInfinity, 65504)]
    [InlineData("BF16", 256, 256)]
    [InlineData("F32", 7.9, 7)]
    [InlineData("F64", 1e15, 1_000_000_000_000_000)]
    [InlineData("I32", 5, 5)]
    [InlineData("U64", 9, 9)]
    [InlineData("U8", 200, 200)]
    [InlineData("Bool", 1, 1)]
    public void A_counter_of_any_type_counts(string type, double value, long expected)
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        using var loaded = ModelFile.Load(Save(folder, model, WithCounter(One(Enum.Parse<ArrayType>(type), value))));
        Assert.Equal(expected, loaded.NamedModules.Where(m => m.Name == "features.1.1").Select(m => m.Module).OfType<BatchNorm2d>().Single().BatchesTracked);
    }

    [Fact]
    public void A_counter_of_one_dimension_or_none_at_all_is_PyTorchs_older_form()
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        ModelFile.Load(Save(folder, model, WithCounter(new NamedArray(Counter, ArrayType.I64, [1], new byte[8])))).Dispose();
        ModelFile.Load(Save(folder, model, arrays => [.. arrays.Where(a => !a.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))])).Dispose();
    }

    public static TheoryData<string, string> BadCounters => new()
    {
        { "empty", $"tensor '{Counter}' [0] has 0 values, wants one" },
        { "several", $"tensor '{Counter}' [3] has 3 values, wants one" },
        { "NaN", $"tensor '{Counter}' holds NaN, wants a number of batches" },
        { "negative", $"tensor '{Counter}' holds -1, wants a number of batches" },
        { "U64", $"tensor '{Counter}' holds 1.8446744073709552E+19, wants a number of batches" },
        { "F64", $"tensor '{Counter}' holds 1E+300, wants a number of batches" },
    };

    [Theory]
    [MemberData(nameof(BadCounters))]
    public void A_counter_that_is_none_is_named(string fault, string reason)
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        Refused(Save(folder, model, WithCounter(fault switch
        {
            "empty" => new NamedArray(Counter, ArrayType.I64, [0], default),
            "several" => new NamedArray(Counter, ArrayType.I64, [3], new byte[24]),
            "NaN" => One(ArrayType.F16, double.NaN),
            "negative" => One(ArrayType.I64, -1),
            "U64" => new NamedArray(Counter, ArrayType.U64, [], Enumerable.Repeat((byte)255, 8).ToArray()),
            _ => One(ArrayType.F64, 1e300),
        })), reason);
    }

    [Theory]
    [InlineData("std", "0,0,0", "wants 3 finite numbers above 0")]
    [InlineData("std", "0.5,-1,0.5", "wants 3 finite numbers above 0")]
    [InlineData("std", "Infinity,1,1", "wants 3 finite numbers above 0")]
    [InlineData("std", "NaN,1,1", "wants 3 finite numbers above 0")]
    [InlineData("std", "0.5", "wants 3 finite numbers above 0")]
    [InlineData("std", "1e-45,1,1", "wants numbers that leave the pixels finite")]
    [InlineData("std", "", "wants numbers")]
    [InlineData("mean", "0.5,0.5", "wants 3 finite numbers")]
    [InlineData("mean", "1e400,0,0", "wants 3 finite numbers")]
    [InlineData("channels", "1e12", "wants a whole number from 1 to 1024")]
    [InlineData("channels", "0", "wants a whole number from 1 to 1024")]
    [InlineData("channels", "-3", "wants a whole number from 1 to 1024")]
    [InlineData("channels", "2.5", "wants a whole number from 1 to 1024")]
    [InlineData("channels", "NaN", "wants a whole number from 1 to 1024")]
    [InlineData("width", "NaN", "got width NaN")]
    [InlineData("width", "1e12", "got width 1000000000000")]
    [InlineData("width", "-1", "got width -1")]
    [InlineData("width", "4", "tensor 'features.0.0.weight' is [2, 3, 3, 3]")]
    [InlineData("classes", "", "tensor 'head.0.weight' is [4, 4]")]
    [InlineData("classes", "a\nb\nc\nd\ne", "tensor 'head.0.weight' is [4, 4]")]
    [InlineData("architecture", "resnet19", "wants one of allcnn")]
    [InlineData("architecture", null, "lacks the metadata escnative.architecture")]
    [InlineData("std", null, "lacks the metadata escnative.std")]
    [InlineData("erasure.0.kind", "7", "wants one of")]
    [InlineData("erasure.count", "3", "kind")]
    public void Metadata_that_makes_no_sense_is_refused_by_its_name(string key, string? value, string reason)
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        model.Erase(new ErasureOperator(4, ErasureFactor.Projection([1, 0, 0, 0], 4)));
        Refused(Save(folder, model, arrays => arrays, metadata =>
        {
            if (value is null)
                metadata.Remove("escnative." + key);
            else
                metadata["escnative." + key] = value;
        }), reason);
    }

    [Fact]
    public void Metadata_that_nobody_knows_is_passed_over()
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        using var loaded = ModelFile.Load(Save(folder, model, arrays => arrays, metadata =>
        {
            metadata["escnative.later"] = "x";
            metadata["format"] = "pt";
        }));
        Assert.Equal(model.Description.ClassNames, loaded.Description.ClassNames);
    }

    [Fact]
    public void Many_classes_in_a_small_file_take_no_memory()
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        var path = Save(folder, model, arrays => arrays, metadata => metadata["escnative.classes"] = new string('\n', 5_000_000));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused(path, "tensor 'head.0.weight' is [4, 4]");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400 << 20);

        // A head for a million classes of no features, and no metadata that says so.
        SafetensorsWriter.Write(path, [NamedArray.From("features.0.0.weight", [96, 3, 3, 3], new float[2592]), NamedArray.From("head.0.weight", [999_999, 0], (ReadOnlySpan<float>)[])], force: true);
        Refused(path, "is not a model that this version knows");

        // Filters of no size, which agree with any number of classes.
        before = GC.GetAllocatedBytesForCurrentThread();
        SafetensorsWriter.Write(
            path, [NamedArray.From("features.0.0.weight", [0, 3, 3, 3], (ReadOnlySpan<float>)[]), NamedArray.From("head.0.weight", [2_147_483_000, 0], (ReadOnlySpan<float>)[])], force: true);
        Refused(path, "is not a model that this version knows");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50 << 20);
    }

    [Theory]
    [InlineData("overflow", "tensor 'head.0.bias' holds 1E+300 at value 2, which single precision does not")]
    [InlineData("infinite", "tensor 'head.0.bias' holds Infinity at value 2: the model diverged")]
    [InlineData("variance", "tensor 'features.1.1.running_var' holds -1 at value 1; a variance is 0 or more")]
    [InlineData("rank", "tensor 'head.0.bias' is [1, 1, 1, 1, 1, 1, 1, 4]")]
    [InlineData("erasure", "erasure.0.left holds 1E+300 at value 1, wants finite numbers of single precision")]
    [InlineData("oblique", "erasure.0.right has 8 values, erasure.0.left has 4; wants as many")]
    public void Values_that_a_model_cannot_have_are_named(string fault, string reason)
    {
        using var folder = new TemporaryFolder();
        using var model = Small();
        model.Erase(new ErasureOperator(4, ErasureFactor.Oblique([1, 0, 0, 0], [0, 1, 0, 0], 4)));
        Refused(Save(folder, model, arrays =>
        {
            NamedArray bad = fault switch
            {
                "overflow" => NamedArray.From("head.0.bias", [4], [0, 0, 1e300, 0]),
                "infinite" => NamedArray.From("head.0.bias", [4], [0, 0, double.PositiveInfinity, 0]),
                "variance" => NamedArray.From("features.1.1.running_var", [2], [1f, -1f]),
                "rank" => NamedArray.From("head.0.bias", [1, 1, 1, 1, 1, 1, 1, 4], new float[4]),
                "erasure" => NamedArray.From("erasure.0.left", [4, 1], [0, 1e300, 0, 0]),
                _ => NamedArray.From("erasure.0.right", [4, 2], new double[8]),
            };
            return [.. arrays.Where(a => a.Name != bad.Name), bad];
        }), reason);
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_models_are_refused_in_order()
    {
        using var folder = new TemporaryFolder();
        using var model = Small(batches: 3);
        model.Erase(new ErasureOperator(4, ErasureFactor.Oblique([1, 0, 0, 0], [0, 1, 0, 0], 4, [0, 0, 1, 0])));
        model.Erase(new ErasureOperator(4, ErasureFactor.Projection([0, 0, 0, 1], 4)));
        var path = folder["model.safetensors"];
        ModelFile.Save(model, path);
        SafetensorsDamage.Run("model", path, () => ModelFile.Load(path).Dispose());
        // As another program saves it: without any metadata.
        ModelFile.Load(Save(folder, model, arrays => [.. arrays.Where(a => !a.Name.StartsWith("erasure", StringComparison.Ordinal))], metadata => metadata.Clear(), "plain.safetensors")).Dispose();
        SafetensorsDamage.Run("model without metadata", folder["plain.safetensors"], () => ModelFile.Load(folder["plain.safetensors"]).Dispose());
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_training_checkpoints_are_refused_in_order_and_change_nothing()
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.checkpoint"];
        using var model = Small();
        using var optimizer = new Sgd(model.Parameters, 0.1, 0.9, 0);
        var checkpoint = new TrainingState(
            new RunCheckpoint(path, "training", "a training run", new RunIdentity(model.Device).Add("recipe", "all of it")), model, optimizer);
        checkpoint.Save([new EpochRecord(0, 1.5, 50, double.NaN, 2), new EpochRecord(1, 1.25, 60, 55, 2)]);
        // The file tells of 8 steps, as the optimizer would after two epochs of four.
        Checkpoints.Change(path, m => m["escnative.training.steps"] = "8");
        Assert.Equal(2, checkpoint.Load(epochs: 3, batches: 4).Count);
        Assert.Equal(8, optimizer.Steps);
        Assert.Contains("wants 10: 2 epochs of 5 steps", Assert.Throws<DataFormatException>(() => checkpoint.Load(3, 5)).Message, StringComparison.Ordinal);
        Assert.Contains("epochs is '2', wants a whole number from 0 to 1: the run has 1", Assert.Throws<DataFormatException>(() => checkpoint.Load(1, 4)).Message, StringComparison.Ordinal);
        SafetensorsDamage.Run("training checkpoint", path, () => checkpoint.Load(3, 4));
    }

    internal static Dictionary<string, string> Metadata(string path, Action<Dictionary<string, string>> change)
    {
        using var file = SafetensorsFile.Open(path);
        var metadata = file.Metadata.ToDictionary();
        change(metadata);
        return metadata;
    }

    private static void Refused(string path, string reason)
    {
        var failure = Assert.Throws<DataFormatException>(() => ModelFile.Load(path).Dispose());
        Assert.Equal(ErrorCode.BadInput, failure.Code);
        Assert.StartsWith(path, failure.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    // Two filters, four features, four classes.
    private static Classifier Small(long batches = 0)
    {
        var model = Architectures.Create(
            new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.025), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half }, 3);
        foreach (var norm in model.NamedModules.Select(m => m.Module).OfType<BatchNorm2d>())
            norm.BatchesTracked = batches;
        model.Training = false;
        return model;
    }

    private static Func<List<NamedArray>, List<NamedArray>> WithCounter(NamedArray counter) =>
        arrays => [.. arrays.Where(a => a.Name != counter.Name), counter];

    private static NamedArray One(ArrayType type, double value) => Converted(NamedArray.From(Counter, [], [value]), type);

    private static NamedArray Converted(NamedArray array, ArrayType type)
    {
        var values = array.ToFloat64();
        byte[] bytes = type switch
        {
            ArrayType.F16 => Bytes(values, v => (Half)v),
            ArrayType.BF16 => Bytes(values, v => (ushort)(BitConverter.SingleToUInt32Bits((float)v) >> 16)),
            ArrayType.F32 => Bytes(values, v => (float)v),
            ArrayType.F64 => Bytes(values, v => v),
            ArrayType.I32 => Bytes(values, v => (int)v),
            ArrayType.I64 => Bytes(values, v => (long)v),
            ArrayType.U64 => Bytes(values, v => (ulong)v),
            _ => Bytes(values, v => (byte)v),
        };
        return new NamedArray(array.Name, type, array.Shape, bytes);
    }

    private static byte[] Bytes<T>(double[] values, Converter<double, T> convert) where T : unmanaged =>
        MemoryMarshal.AsBytes(Array.ConvertAll(values, convert).AsSpan()).ToArray();

    private static string Save(
        TemporaryFolder folder, Classifier model, Func<List<NamedArray>, List<NamedArray>> change, Action<Dictionary<string, string>>? metadata = null, string name = "changed.safetensors")
    {
        var path = folder[name];
        ModelFile.Save(model, path, force: true);
        var all = Metadata(path, metadata ?? (_ => { }));
        SafetensorsWriter.Write(path, change([.. SafetensorsFile.ReadAll(path).Values]), all, force: true);
        return path;
    }
}

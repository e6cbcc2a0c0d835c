using EscNative.Bench.Requests;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Bench;

public sealed class PretrainedTests
{
    [Fact]
    public void There_is_no_model_for_other_images_and_the_message_says_so()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<UsageException>(() => PretrainedModels.For("embedded", null, folder.Path));
        Assert.Contains("only one for CIFAR-10: give --model-file FILE", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_models_classify_the_test_images_as_well_as_their_records_say()
    {
        using var folder = new TemporaryFolder();
        var found = PretrainedModels.For(TestData.Cifar10Folder, "deer", folder.Path);
        var split = ForgetSplit.Create(DataFolder.Open(TestData.Cifar10Folder), ForgetRequest.ForClasses(4));
        // They were trained before a file recorded its images.
        Assert.Equal(PretrainedModels.Fingerprint, split.Data.Record.Fingerprint);
        Assert.Empty(PretrainedModels.Examine(split.Data));
        Assert.Single(PretrainedModels.Examine(new DataSet("others", split.ForgetTest, split.ForgetTest, split.Data.Normalisation)));
        using var original = ModelFile.Load(found.ModelFile);
        // As `train` printed it; half an image of 10,000 is 0.005.
        Assert.Equal(90.40, FeatureBank.Extract(original, split.Data.Test).Accuracy, 0.021);
        using var retrain = ModelFile.Load(found.Retrain!);
        Assert.Equal(0, FeatureBank.Extract(retrain, split.ForgetTest).Accuracy);
        Assert.InRange(FeatureBank.Extract(retrain, split.RemainTest).Accuracy, 89, 100);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("4,5")]
    [InlineData(null)]
    public void The_reference_belongs_to_class_4_alone(string? classes)
    {
        using var folder = new TemporaryFolder();
        Assert.Null(PretrainedModels.For(TestData.Cifar10Folder, classes, folder.Path).Retrain);
    }

    [Theory]
    [InlineData("allcnn-cifar10.safetensors")]
    [InlineData("allcnn-cifar10-without-4.safetensors")]
    public void A_file_of_an_older_version_is_written_again_byte_for_byte(string name)
    {
        const string note = "escnative.note.";
        var path = Path.Combine(Repository.Root, "bench", "Pretrained", name);
        using var file = SafetensorsFile.Open(path);
        var notes = file.Metadata.Where(m => m.Key.StartsWith(note, StringComparison.Ordinal)).ToDictionary(m => m.Key[note.Length..], m => m.Value);
        using var model = ModelFile.Load(file);
        // What it was trained on stood in a note then; what is made of it is not to be written beside it.
        model.Description = model.Description with { Data = null };
        using var written = new MemoryStream();
        ModelFile.Write(model, written, notes);
        Assert.Equal(File.ReadAllBytes(path), written.ToArray());
    }
}

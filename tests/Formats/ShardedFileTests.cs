using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Formats;

/// <summary>Weights that are cut into several files with an index, as Hugging Face keeps large models.</summary>
public sealed class ShardedFileTests : IDisposable
{
    private const string Index = "m/model.safetensors.index.json";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_in_parts_is_the_model_in_one_file()
    {
        var arrays = Cut(3);
        _folder.Write("whole.safetensors", Saved(arrays));
        using var whole = ModelFile.Load(_folder["whole.safetensors"]);
        // The folder, or the index itself.
        foreach (var path in (string[])["m", Index])
        {
            var remarks = new List<string>();
            using var parts = ModelFile.Load(_folder[path], options: new ModelLoadOptions { Remarks = remarks });
            Assert.Equal(ModelFile.ToArrays(whole).Select(a => (a.Name, Convert.ToHexString(a.Data.Span))), ModelFile.ToArrays(parts).Select(a => (a.Name, Convert.ToHexString(a.Data.Span))));
            Assert.DoesNotContain(remarks, remark => remark.Contains("left aside", StringComparison.Ordinal));
        }

        using var file = ArrayFile.Open(_folder[Index]);
        Assert.Equal(arrays.Select(a => a.Name).Order(StringComparer.Ordinal), file.Entries.Select(e => e.Name).Order(StringComparer.Ordinal));
        Assert.Null(file.Find("none"));
        Assert.Contains("has no tensor 'none'", Assert.Throws<DataFormatException>(() => file.Read("none")).Message, StringComparison.Ordinal);
        Assert.Equal(4, ArrayFile.FilesOf(_folder[Index]).Count);
        Assert.Equal([_folder["whole.safetensors"]], ArrayFile.FilesOf(_folder["whole.safetensors"]));

        var result = Bench.CommandLine.Run("inspect", _folder["m"], "--json", _folder["result.json"]);
        Assert.True(result.Code == 0, result.ToString());
        Assert.Contains("every tensor has its place", File.ReadAllText(_folder["result.json"]), StringComparison.Ordinal);
        // The weights decide which model it is, not the index alone.
        var hash = EscNative.Bench.Requests.ModelCache.HashOf(_folder[Index]);
        File.WriteAllBytes(_folder["m/part-1.safetensors"], [.. File.ReadAllBytes(_folder["m/part-1.safetensors"])[..^1], 77]);
        Assert.NotEqual(hash, EscNative.Bench.Requests.ModelCache.HashOf(_folder[Index]));
    }

    [Fact]
    public void Parts_that_are_not_what_the_index_says_are_refused_by_name()
    {
        var arrays = Cut(3);
        var second = File.ReadAllBytes(_folder["m/part-1.safetensors"]);
        File.Delete(_folder["m/part-1.safetensors"]);
        Refused("part-1.safetensors: the file does not exist, and model.safetensors.index.json has tensors in it");
        _folder.Write("m/part-1.safetensors", File.ReadAllBytes(_folder["m/part-0.safetensors"]));
        Refused("that model.safetensors.index.json has in it (the first is '");
        _folder.Write("m/part-1.safetensors", second[..^2]);
        Refused("part-1.safetensors");
        _folder.Write("m/part-1.safetensors", File.ReadAllBytes(_folder[Index]));
        Refused("is the index of weights that are cut into several files");

        // What the index does not name is left aside with a remark.
        var own = arrays.Where((_, i) => i % 3 == 1).ToList();
        _folder.Write("m/part-1.safetensors", Saved([.. own, NamedArray.From("of_another", [1], [1f])]));
        using var file = ArrayFile.Open(_folder[Index]);
        Assert.Equal(["part-1.safetensors: 1 tensors that model.safetensors.index.json does not have in it were left aside (of_another)."], file.Remarks);
        Assert.Null(file.Find("of_another"));
    }

    [Theory]
    [InlineData("{\"weight_map\": {\"a\": \"../m/part-0.safetensors\"}}", "wants the name of a file in the same folder")]
    [InlineData("{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "wants the name of a file in the same folder")]
    [InlineData("{\"weight_map\": {\"a\": \"..\"}}", "wants the name of a file in the same folder")]
    [InlineData("{\"weight_map\": {\"a\": \"c:\\\\x\"}}", "wants the name of a file in the same folder")]
    [InlineData("{\"weight_map\": {\"a\": \"\"}}", "wants the name of a file in the same folder")]
    [InlineData("{\"weight_map\": {\"a\": 7}}", "wants the name of a file in the same folder, got 7")]
    [InlineData("{\"weight_map\": {\"a\": null}}", "wants the name of a file in the same folder, got null")]
    [InlineData("{\"weight_map\": {\"a\": \"x\\ud800\"}}", "is no index of weights")]
    [InlineData("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", "is no index of weights")]
    [InlineData("{\"weight_map\": {}}", "names no tensor")]
    [InlineData("{\"weight_map\": []}", "wants an object 'weight_map'")]
    [InlineData("{\"weight_map\": {\"a\": ", "is no index of weights")]
    [InlineData("{\"weight_map\": [[[[[[[[[[[[[[[[[[[[", "is no index of weights")]
    [InlineData("{\"weight_map\": {\"a\": \"model.safetensors.index.json\"}}", "is the index of weights")]
    public void A_damaged_index_is_refused(string text, string words)
    {
        _folder.Write(Index, Encoding.UTF8.GetBytes(text));
        Refused(words);
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Any_index_is_read_or_refused()
    {
        Cut(2);
        var path = _folder[Index];
        var valid = File.ReadAllBytes(path);
        FuzzRun.Run("index of weights", valid, header: 0, bytes =>
        {
            File.WriteAllBytes(path, bytes);
            ArrayFile.Open(path).Dispose();
        });
    }

    private void Refused(string words) =>
        Assert.Contains(words, Assert.Throws<DataFormatException>(() => ModelFile.Load(_folder["m"])).Message, StringComparison.Ordinal);

    // A small network, its tensors dealt to so many files; without metadata of ours.
    private List<NamedArray> Cut(int parts)
    {
        using var model = Architectures.Create(new ModelDescription
        {
            Hyperparameters = Architectures.Choose("allcnn", new Dictionary<string, string> { ["width"] = "0.1" }),
            Channels = 3,
            ClassNames = ["a", "b"],
            Normalisation = Normalisation.Half,
        });
        var arrays = ModelFile.ToArrays(model);
        for (var part = 0; part < parts; part++)
            _folder.Write($"m/part-{part}.safetensors", Saved([.. arrays.Where((_, i) => i % parts == part)]));
        var map = string.Join(", ", arrays.Select((a, i) => $"\"{a.Name}\": \"part-{i % parts}.safetensors\""));
        _folder.Write(Index, Encoding.UTF8.GetBytes($"{{\"metadata\": {{\"total_size\": 1}}, \"weight_map\": {{{map}}}}}"));
        return arrays;
    }

    private static byte[] Saved(List<NamedArray> arrays)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, arrays, new Dictionary<string, string>());
        return stream.ToArray();
    }
}

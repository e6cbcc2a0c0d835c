using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Tests.Unlearning;

namespace EscNative.Tests.Models;

/// <summary>The one kind of checkpoint: typed values, the run that it is of, and a checksum over all of it.</summary>
public sealed class RunCheckpointTests : IDisposable
{
    private const string Steps = "escnative.test.steps";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_saved_comes_back_with_its_type()
    {
        using var saved = Save().Open();
        Assert.Equal(7, saved.Whole("steps", 7));
        Assert.Equal(0.1, saved.Seconds("seconds"));
        Assert.Equal([1f, 2f, 3f], saved.Array("w", ArrayType.F32, 3).ToFloat32());
    }

    [Fact]
    public void A_value_that_is_missing_or_of_another_type_is_named_with_what_is_wanted()
    {
        Refused("lacks the metadata escnative.test.steps, wants a whole number from 0 to 9", m => m.Remove(Steps), s => s.Whole("steps", 9));
        Refused("metadata escnative.test.steps is '1.5', wants a whole number from 0 to 9", m => m[Steps] = "1.5", s => s.Whole("steps", 9));
        Refused("metadata escnative.test.steps is '12', wants a whole number from 0 to 9: no more than that", m => m[Steps] = "12", s => s.Whole("steps", 9, "no more than that"));
        Refused("metadata escnative.test.seconds is '-1', wants seconds, 0 or more", m => m["escnative.test.seconds"] = "-1", s => s.Seconds("seconds"));
        Refused("array 'w' is F32 [3], wants F64 [3]", _ => { }, s => s.Array("w", ArrayType.F64, 3));
        Refused("array 'w' is F32 [3], wants F32 [2]", _ => { }, s => s.Array("w", ArrayType.F32, 2));
        Refused("has no tensor 'v'", _ => { }, s => s.Array("v", ArrayType.F32, 2));

        void Refused(string reason, Action<IDictionary<string, string>> change, Action<SavedRun> read)
        {
            var checkpoint = Save();
            Checkpoints.Change(_folder["run"], change);
            using var saved = checkpoint.Open();
            var failure = Assert.Throws<DataFormatException>(() => read(saved));
            Assert.StartsWith(_folder["run"], failure.Message, StringComparison.Ordinal);
            Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_flipped_bit_is_taken()
    {
        var checkpoint = Save();
        var whole = File.ReadAllBytes(_folder["run"]);
        for (var at = 0; at < whole.Length; at++)
        {
            var flipped = (byte[])whole.Clone();
            flipped[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(_folder["run"], flipped);
            Assert.Throws<DataFormatException>(() => checkpoint.Open());
        }

        File.WriteAllBytes(_folder["run"], whole);
        checkpoint.Open().Dispose();
    }

    [Fact]
    public void A_changed_value_is_damage_and_another_run_is_another_run()
    {
        var checkpoint = Save();
        var path = _folder["run"];
        SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, ModelFaultTests.Metadata(path, m => m[Steps] = "8"), force: true);
        Assert.Contains("is damaged: its SHA-256 is", Message(checkpoint), StringComparison.Ordinal);
        SafetensorsWriter.Write(path, SafetensorsFile.ReadAll(path).Values, ModelFaultTests.Metadata(path, m => m.Remove("escnative.checksum")), force: true);
        Assert.Contains("lacks the metadata escnative.checksum", Message(checkpoint), StringComparison.Ordinal);
        Save();
        Assert.Contains("is a checkpoint of another run: part was '1' and is '2'", Message(Of("2")), StringComparison.Ordinal);
        SafetensorsWriter.Write(path, [NamedArray.From("w", [1], [1f])], force: true);
        Assert.Contains("is not a checkpoint of a test that this version wrote", Message(checkpoint), StringComparison.Ordinal);

        static string Message(RunCheckpoint checkpoint) => Assert.Throws<DataFormatException>(() => checkpoint.Open()).Message;
    }

    private RunCheckpoint Of(string part) => new(_folder["run"], "test", "a test", new RunIdentity(Device.Cpu).Add("part", part));

    private RunCheckpoint Save()
    {
        var checkpoint = Of("1");
        checkpoint.Save([NamedArray.From("w", [3], [1f, 2f, 3f])], new RunValues().Add("steps", 7).Add("seconds", 0.1));
        return checkpoint;
    }
}

using System.Text.Json.Nodes;
using EscNative.Bench.Peers;

namespace EscNative.Tests.Bench;

/// <summary>Peers are other people's programs: whatever they do, the message says it.</summary>
public sealed class PeerProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "got an empty command")]
    [InlineData("no-such-program-here x", "'no-such-program-here' does not start")]
    [InlineData("cat", "wants a name")]
    [InlineData("true", "got 'its end' to operation hello")]
    [InlineData("echo hello", "got 'hello' to operation hello")]
    public void A_program_that_is_no_peer_is_refused(string command, string expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "uses programs of a POSIX system");
        Assert.Contains(expected, Assert.Throws<UsageException>(() => new PeerProcess(command)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_says_who_it_is_what_it_can_and_what_went_wrong()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "uses a POSIX shell");
        var script = _folder.Write("peer.sh", """
            read line; echo '{"name": "Shell 1", "software": "one process", "variants": {"forward": ["a", "b"], "train": {"allcnn": ["c"], "vit": []}, "esc": {"allcnn": [], "*": ["d"]}}, "needsOnnx": true}'
            read line; echo "$line"
            read line; echo '{"error": "cannot"}'
            """u8.ToArray());
        using var peer = new PeerProcess($"sh {script}");
        Assert.Equal(("Shell 1", "one process", true, false), (peer.Name, peer.Software, peer.NeedsOnnx, peer.Exports));
        // A list is for every network, an object for those that it names; what is not there at all is not done.
        Assert.Equal(["a", "b"], peer.Variants("forward", "resnet18"));
        Assert.Equal(["c"], peer.Variants("train", "allcnn"));
        Assert.Equal("peers: Shell 1 has no resnet18 for train, only allcnn, vit", Assert.Throws<UsageException>(() => peer.Variants("train", "resnet18")).Message);
        Assert.Empty(peer.Variants("esc", "allcnn"));
        Assert.Equal(["d"], peer.Variants("esc", "resnet18"));
        Assert.Empty(peer.Variants("esct", null));
        Assert.True(peer.ProcessorTime >= TimeSpan.Zero);
        Assert.Equal("{\"op\":\"x\",\"n\":1}", peer.Ask(new JsonObject { ["op"] = "x", ["n"] = 1 }).ToJsonString());
        Assert.Contains("Shell 1 failed at x: cannot", Assert.Throws<EscException>(() => peer.Ask(new JsonObject { ["op"] = "x" })).Message, StringComparison.Ordinal);
        Assert.Contains("got 'its end' to operation x", Assert.Throws<UsageException>(() => peer.Ask(new JsonObject { ["op"] = "x" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_busy_process_uses_a_core_until_its_input_ends()
    {
        using var process = ToolProcess.Start(null, null, "busy-core");
        Assert.Equal("busy", process.StandardOutput.ReadLine());
        var used = process.TotalProcessorTime;
        for (var waited = 0; process.TotalProcessorTime - used < TimeSpan.FromMilliseconds(50); waited++)
        {
            Assert.True(waited < 600, "no processor time within a minute");
            Thread.Sleep(100);
            process.Refresh();
        }

        process.StandardInput.Close();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), "still busy a minute after its input ended");
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public void A_network_of_random_weights_is_compared_in_the_size_and_batch_that_the_options_say()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "uses a POSIX shell");
        using var files = new SmallFiles();
        var json = files["peers.json"];
        string[] network = ["--arch", "resnet20", "--image-size", "8", "--width", "0.25", "--batch", "3", "--filter", "forward"];
        var outcome = CommandLine.Run(["peers", .. network, "--rounds", "3", "--seconds", "0.001", "--threads", "1", "--json", json]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var result = EscNative.Bench.Reports.ResultJson.Parse(File.ReadAllText(json));
        Assert.Equal(("random pixels", "resnet20", "random weights"), (result.Data!.Name, result.Model!.Architecture, result.Model.Source));
        Assert.Equal([("forward-3", 3), ("forward-1", 1)], result.Peers!.Workloads.Select(w => (w.Name, w.Images)));

        // A peer that lacks the network says so, and nothing is measured.
        var script = _folder.Write("narrow.sh", """
            read line; echo '{"name": "Narrow", "variants": {"forward": {"allcnn": ["a"]}}}'
            read line; echo '{"error": "asked"}'
            """u8.ToArray());
        var refused = CommandLine.Run(["peers", .. network, "--peer", $"sh {script}", "--rounds", "3"]);
        Assert.Equal((2, "escnative: peers: Narrow has no resnet20 for forward, only allcnn"), (refused.Code, refused.Error.Trim()));
    }

    [Fact]
    public void Peers_without_a_peer_measures_this_engine_alone()
    {
        using var files = new SmallFiles();
        var json = files["peers.json"];
        var outcome = ToolProcess.Run(
            "peers", "--model-file", files.Model, "--filter", "forward-1", "--rounds", "3", "--seconds", "0.001", "--threads", "1", "--json", json);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var peers = EscNative.Bench.Reports.ResultJson.Parse(File.ReadAllText(json)).Peers!;
        Assert.Empty(peers.Engines);
        Assert.Equal("forward-1", Assert.Single(peers.Workloads).Name);
        Assert.All(peers.Workloads[0].Sides, side => Assert.True(side is { Engine: "escnative", Milliseconds: > 0 }));
        Assert.NotEmpty(peers.Workloads[0].Steps!);
        Assert.Contains("forward-1: 1 image", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(2, ToolProcess.Run("peers", "--model-file", files.Model, "--filter", "nothing").Code);
    }
}

using System.Diagnostics;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

/// <summary>The script that compares all networks, with a tool that only writes down how it was called.</summary>
public sealed class NetworksScriptTests : IDisposable
{
    private static readonly string Scripts = Path.Combine(Repository.Root, "bench", "peers");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_asks_for_every_network_once_and_leaves_a_table_of_80_columns()
    {
        SkipWithout("bash");
        SkipWithout("python3");
        var sample = SampleResult.Create();
        var side = sample.Peers!.Workloads[0].Sides[1];
        File.WriteAllText(_folder["sample.json"], ResultJson.Serialize(sample with
        {
            Model = sample.Model! with { Architecture = "resnet18", Hyperparameters = "stem imagenet, size 32, width 1" },
            Peers = sample.Peers with
            {
                Workloads = [sample.Peers.Workloads[0] with
                {
                    Sides = [sample.Peers.Workloads[0].Sides[0], side with { Engine = "PyTorch 2.6.0+debian", Variant = "fold+nhwc" }, side with { Engine = "ONNX Runtime 1.31.1", Variant = "cpu", Ratio = 2.345 }],
                }],
            },
        }));
        var tool = _folder.Write("tool.sh", System.Text.Encoding.UTF8.GetBytes($$"""
            echo "$ESC_ROUNDS $ESC_SECONDS $ESC_THREADS $*" >> {{_folder["calls"]}}
            while [ "$1" != --json ]; do shift; done
            cp {{_folder["sample.json"]}} "$2"
            """));
        var (code, output) = Run("bash", [Path.Combine(Scripts, "networks.sh"), _folder["out"], "--peer", "a peer", "--rounds", "9"], ("ESCNATIVE", $"sh {tool}"), ("ESC_SECONDS", "0.1"));
        Assert.True(code == 0, output);

        var calls = File.ReadAllLines(_folder["calls"]);
        Assert.Equal(7, calls.Length);
        Assert.All(calls, call => Assert.StartsWith("5 0.1 2 peers --arch ", call, StringComparison.Ordinal));
        Assert.All(calls, call => Assert.Contains("--peer a peer --rounds 9", call, StringComparison.Ordinal));
        Assert.Equal(["resnet18", "resnet18", "resnet18", "resnet50", "vit-ti16", "vit-b16", "resnet18"], calls.Select(call => call.Split(' ')[5]));

        var table = File.ReadAllLines(_folder["out/table.md"]);
        Assert.Equal(2 + (7 * 2), table.Length);
        Assert.All(table, line => Assert.Equal(table[0].Length, line.Length));
        Assert.InRange(table[0].Length, 60, 80);
        Assert.Equal(["network", "call", "ms", "peer", "its best", "ratio", "noise %"], Cells(table[0]));
        Assert.Equal(["resnet18 imagenet 32", "forward-64", "30", "PyTorch 2.6", "fold+nhwc", "1.20", "1.0"], Cells(table[2]));
        Assert.Equal(["", "", "", "ORT 1.31", "cpu", "2.35", "1.0"], Cells(table[3]));

        static string[] Cells(string line) => [.. line.Trim('|').Split('|').Select(cell => cell.Trim())];
    }

    [Fact]
    public void Only_the_networks_that_are_named_are_measured_and_a_wrong_name_is_refused()
    {
        SkipWithout("bash");
        var tool = _folder.Write("tool.sh", System.Text.Encoding.UTF8.GetBytes($$"""
            echo "$*" >> {{_folder["calls"]}}
            while [ "$1" != --json ]; do shift; done
            echo '{}' > "$2"
            """));
        (string, string)[] environment = [("ESCNATIVE", $"sh {tool}"), ("PYTHON", "true")];
        var script = Path.Combine(Scripts, "networks.sh");
        var (code, output) = Run("bash", [script, _folder["out"], "--peer", "a peer"], [.. environment, ("NETWORKS", "resnet50 vit")]);
        Assert.Equal(2, code);
        Assert.Equal("networks.sh: NETWORKS: got 'vit', wants some of: resnet18-cifar resnet18-32 resnet18-224 resnet50 vit-ti16 vit-b16 resnet18-training", output);
        Assert.False(File.Exists(_folder["calls"]));

        (code, output) = Run("bash", [script, _folder["out"], "--peer", "a peer"], [.. environment, ("NETWORKS", "vit-ti16\nresnet50 ")]);
        Assert.True(code == 0, output);
        Assert.Equal(["resnet50", "vit-ti16"], File.ReadAllLines(_folder["calls"]).Select(call => call.Split(' ')[2]));

        // What the script knows is what it measures.
        var text = File.ReadAllText(script);
        Assert.Equal(
            text[(text.IndexOf("names=(", StringComparison.Ordinal) + 7)..].Split(')')[0].Split(' '),
            text.Split('\n').Where(line => line.StartsWith("compare ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]));
    }

    [Fact]
    public void A_table_of_nothing_is_refused()
    {
        SkipWithout("python3");
        Assert.Equal((1, $"table.py: {_folder.Path} holds no result of `escnative peers` (*.json)"), Table(_folder.Path));
        Assert.Equal((1, "table.py: wants the folder with the JSON files of `escnative peers`"), Table(_folder["none"]));

        static (int Code, string Output) Table(string folder) => Run("python3", [Path.Combine(Scripts, "table.py"), folder]);
    }

    private static void SkipWithout(string program)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "uses programs of a POSIX system");
        Assert.SkipUnless(Run("sh", ["-c", $"command -v {program}"]).Code == 0, $"{program} is not there");
    }

    private static (int Code, string Output) Run(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in (string[])["ESC_ROUNDS", "ESC_SECONDS", "ESC_THREADS", "NETWORKS", "PYTHON"])
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), $"{program} did not end");
        return (process.ExitCode, (output.Result + error.Result).Trim());
    }
}

using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using EscNative.Bench.Peers;

namespace EscNative.Tests.Bench;

/// <summary>The runner that measures this engine and its peers in turn, with peers and work that are made up.</summary>
public sealed class SideBySideTests
{
    private readonly List<string> _log = [];

    [Fact]
    public void Every_round_begins_and_ends_with_our_side_and_ratios_are_to_the_mean_of_both()
    {
        // Ours takes 1 ms and 3 ms in turn; the warm-up is the first call.
        var own = new Queue<double>([9, 0.001, 0.003, 0.001, 0.003, 0.001, 0.003]);
        using var work = new FakeWorkload(_log, own.Dequeue);
        var peer = new FakePeer("P", _log, r => Answer(r["variant"]!.GetValue<string>() == "slow" ? 0.008 : 0.004));
        var result = new SideBySide([peer], 2, rounds: 3, seconds: 0.25).Measure(work, _ => { }, CancellationToken.None);

        string[] round = ["own 0.25", "P slow 0.25", "P fast 0.25", "other 0.25", "own 0.25"];
        Assert.Equal(["P blob model", "own 0", "P slow 0", "P fast 0", "other 0", .. round, .. round, .. round], _log);
        Assert.Equal(["own", "slow", "fast", "other"], result.Sides.Select(s => s.Variant));
        Assert.Equal([1, 4, 2, 3], result.Sides.Select(s => Math.Round(s.Ratio, 9)));
        Assert.Equal([true, false, true, false], result.Sides.Select(s => s.Best));
        Assert.Equal(2, result.Sides[0].Milliseconds, 1e-9);
        Assert.Equal(10 / 0.004, result.Sides[2].ImagesPerSecond, 1e-6);
        Assert.Equal(2.0 / 3, result.Spread, 1e-9);
        Assert.Equal((3, 0.25), (result.Rounds, result.Seconds));
        Assert.All(result.Sides, side => Assert.Equal(side.Engine == "P", side.Difference is not null));
        Assert.True(result.WaitingShare >= 0);
    }

    [Theory]
    [InlineData(1.0f, 2.5f)]
    [InlineData(1.0f, float.NaN)]
    [InlineData(1.0f)]
    public void A_peer_that_computes_something_else_fails_the_run_before_it_is_timed(params float[] output)
    {
        using var work = new FakeWorkload(_log, () => 0.001);
        var peer = new FakePeer("P", _log, _ => Answer(0.001, output));
        var failure = Assert.Throws<EscException>(() => new SideBySide([peer], 1, 3, 0.25).Measure(work, _ => { }, CancellationToken.None));
        Assert.Equal(ErrorCode.BadInput, failure.Code);
        Assert.Contains("P (slow) computes something else", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("own 0.25", _log);
    }

    [Theory]
    [InlineData("{\"seconds\": 1}")]
    [InlineData("{\"output\": \"AAAA\"}")]
    public void An_answer_without_a_time_or_an_output_is_refused(string answer)
    {
        using var work = new FakeWorkload(_log, () => 0.001);
        var peer = new FakePeer("P", _log, _ => JsonNode.Parse(answer)!.AsObject());
        var failure = Assert.Throws<UsageException>(() => new SideBySide([peer], 1, 3, 0.25).Measure(work, _ => { }, CancellationToken.None));
        Assert.Contains("P to fake (slow) lacks", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_reads_ONNX_gets_the_model_from_the_one_that_writes_it()
    {
        using var work = new FakeWorkload(_log, () => 0.001);
        string? received = null;
        var writer = new FakePeer("W", _log, _ => Answer(0.001)) { Exports = true };
        var reader = new FakePeer("R", _log, _ => Answer(0.001)) { NeedsOnnx = true, Onnx = text => received = text };
        Assert.Contains("none of the peers writes one", Assert.Throws<UsageException>(Run(reader)).Message, StringComparison.Ordinal);
        Run(reader, writer)();
        Assert.Equal("onnx of W", received);
        // Who reads ONNX has no use for the model's own file.
        Assert.Equal(["W blob model", "R blob onnx"], _log.Where(line => line.Contains("blob", StringComparison.Ordinal)).TakeLast(3).Take(2));

        Action Run(params FakePeer[] peers) => () => new SideBySide(peers, 1, 3, 0).Measure(work, _ => { }, CancellationToken.None);
    }

    [Fact]
    public void A_peer_that_does_not_know_the_work_is_left_out()
    {
        using var work = new FakeWorkload(_log, () => 0.001);
        var peer = new FakePeer("P", _log, _ => throw new InvalidOperationException()) { Operation = "else" };
        var result = new SideBySide([peer], 1, 3, 0).Measure(work, _ => { }, CancellationToken.None);
        Assert.Equal(["own", "other"], result.Sides.Select(s => s.Variant));
    }

    [Fact]
    public void Cancelling_stops_between_two_measurements()
    {
        using var cancel = new CancellationTokenSource();
        using var work = new FakeWorkload(_log, () => 0.001);
        var run = new SideBySide([], 1, 1000, 0);
        Assert.Throws<OperationCanceledException>(() => run.Measure(work, share => Cancel(share > 0.001), cancel.Token));
        Assert.InRange(_log.Count, 2, 20);

        void Cancel(bool now)
        {
            if (now)
                cancel.Cancel();
        }
    }

    private static JsonObject Answer(double seconds, params float[] output) => new()
    {
        ["seconds"] = seconds,
        ["output"] = Convert.ToBase64String(MemoryMarshal.AsBytes<float>(output is [] ? [1, 2] : output)),
    };

    private sealed class FakeWorkload(List<string> log, Func<double> seconds) : Workload
    {
        public override string Name => "fake-10";

        public override string Description => "nothing";

        public override int Images => 10;

        public override string Operation => "fake";

        public override string? Architecture => null;

        public override IReadOnlyList<OwnSide> Own =>
        [
            new OwnSide("own", 1, false, length => Logged(FormattableString.Invariant($"own {length}"), seconds())),
            new OwnSide("other", 1, false, length => Logged(FormattableString.Invariant($"other {length}"), 0.006)),
        ];

        public override JsonObject Request => new() { ["op"] = Operation };

        public override IReadOnlyList<(string Name, byte[] Data)> Blobs => [("model", [1, 2, 3])];

        public override Agreement Compare(string variant, ReadOnlySpan<float> theirs) => Agreement.Between([1, 2], theirs, 0.25, "numbers");

        public override void Dispose()
        {
            // It holds nothing.
        }

        private double Logged(string line, double result)
        {
            log.Add(line);
            return result;
        }
    }

    private sealed class FakePeer(string name, List<string> log, Func<JsonObject, JsonObject> answer) : IPeer
    {
        public string Name => name;

        public string Software => "none";

        public bool Exports { get; init; }

        public bool NeedsOnnx { get; init; }

        public string Operation { get; init; } = "fake";

        public Action<string>? Onnx { get; init; }

        public TimeSpan ProcessorTime => TimeSpan.Zero;

        public IReadOnlyList<string> Variants(string operation, string? architecture) => operation == Operation ? ["slow", "fast"] : [];

        public JsonObject Ask(JsonObject request)
        {
            switch (request["op"]!.GetValue<string>())
            {
                case "blob":
                    log.Add($"{name} blob {request["name"]}");
                    if (request["name"]!.GetValue<string>() == SideBySide.OnnxBlob)
                        Onnx!(request["data"]!.GetValue<string>());
                    return new JsonObject { ["bytes"] = 1 };
                case "export":
                    return new JsonObject { ["bytes"] = 9 };
                case "read":
                    Assert.Equal((0, 9), (request["offset"]!.GetValue<int>(), request["length"]!.GetValue<int>()));
                    return new JsonObject { ["data"] = $"onnx of {name}" };
                default:
                    log.Add(FormattableString.Invariant($"{name} {request["variant"]} {request["seconds"]!.GetValue<double>()}"));
                    return answer(request);
            }
        }
    }
}

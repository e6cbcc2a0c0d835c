using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Peers;

/// <summary>Measures workloads with every side in turn: ours, each variant of each peer, our other sides, ours again.</summary>
/// <param name="peers">The peers.</param>
/// <param name="threads">Threads of every side that does not say otherwise.</param>
/// <param name="rounds">Rounds.</param>
/// <param name="seconds">Seconds of each measurement.</param>
internal sealed class SideBySide(IReadOnlyList<IPeer> peers, int threads, int rounds, double seconds)
{
    /// <summary>The name under which a peer gets its model as ONNX.</summary>
    public const string OnnxBlob = "onnx";

    private const string OwnName = "escnative";

    // Bytes of a line: those of a large network do not fit one.
    private const int Piece = 12 << 20;

    // Thread pools look for more work for some milliseconds before they sleep: nobody may do so while another one is measured.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Measures one workload.</summary>
    /// <param name="workload">The work.</param>
    /// <param name="progress">Told how far it is, 0 to 1.</param>
    /// <param name="cancel">Stops between two measurements.</param>
    /// <exception cref="UsageException">A peer cannot answer.</exception>
    /// <exception cref="EscException">A peer computes something else than this engine.</exception>
    public WorkloadResult Measure(Workload workload, Action<double> progress, CancellationToken cancel)
    {
        foreach (var peer in peers.Where(peer => Variants(peer, workload).Count > 0))
            Prepare(peer, workload);
        var sides = Sides(workload).ToArray();
        using var watch = new LoadWatch(peers, sides.Length);
        var agreements = new Agreement?[sides.Length];
        var steps = 0.0;
        for (var i = 0; i < sides.Length; i++)
        {
            // The first call of each side warms it up and shows that it computes the same.
            if (Measured(i, warmUp: true).Output is { } output)
                agreements[i] = Check(workload, sides[i], output);
        }

        var times = new double[sides.Length][];
        for (var i = 0; i < sides.Length; i++)
            times[i] = new double[rounds];
        var spreads = new double[rounds];
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < sides.Length; i++)
                times[i][round] = Measured(i).Seconds;
            var (first, second) = (times[0][round], Measured(0).Seconds);
            times[0][round] = (first + second) / 2;
            spreads[round] = Math.Abs((first / second) - 1);
        }

        return new WorkloadResult
        {
            Name = workload.Name,
            Description = workload.Description,
            Images = workload.Images,
            Rounds = rounds,
            Seconds = seconds,
            Spread = Sampling.Median(spreads),
            OthersShare = watch.OthersShare,
            WaitingShare = watch.WaitingShare,
            Sides = Results(workload, sides, times, agreements),
            Steps = workload.Profile(seconds),
        };

        Measurement Measured(int index, bool warmUp = false)
        {
            cancel.ThrowIfCancellationRequested();
            progress(steps++ / ((sides.Length * (rounds + 1)) + rounds));
            var side = sides[index];
            using var busy = side.BusyCore ? new BusyCore() : null;
            Thread.Sleep(Pause);
            if (warmUp)
                return side.Measure(0);
            if (side.BusyCore)
                return side.Measure(seconds);
            using (watch.Over(index, side.Peer))
                return side.Measure(seconds);
        }
    }

    private void Prepare(IPeer peer, Workload workload)
    {
        foreach (var (name, data) in workload.Blobs)
        {
            if (!peer.NeedsOnnx || name != ComparedModel.Blob)
                Send(peer, name, data);
        }

        if (!peer.NeedsOnnx)
            return;
        var exporter = peers.FirstOrDefault(other => other.Exports)
            ?? throw new UsageException($"peers: {peer.Name} reads its model as ONNX, and none of the peers writes one; give --peer \"python3 bench/peers/pytorch_peer.py\" too");
        foreach (var (name, data) in workload.Blobs)
            Send(exporter, name, data);
        var request = (JsonObject)workload.Request.DeepClone();
        request["op"] = "export";
        var answer = Answer(exporter, request, "bytes");
        if (answer is not JsonValue number || !number.TryGetValue(out int length) || length < 1)
            throw new UsageException($"peers: {exporter.Name} answers an export with {answer.ToJsonString()} bytes, wants a whole number of at least 1");
        for (var offset = 0; offset < length; offset += Piece)
        {
            var read = new JsonObject { ["op"] = "read", ["name"] = OnnxBlob, ["offset"] = offset, ["length"] = Math.Min(Piece, length - offset) };
            Send(peer, OnnxBlob, Answer(exporter, read, "data").GetValue<string>(), offset);
        }
    }

    private static IReadOnlyList<string> Variants(IPeer peer, Workload workload) => peer.Variants(workload.Operation, workload.Architecture);

    private static void Send(IPeer peer, string name, byte[] data)
    {
        for (var offset = 0; offset < data.Length; offset += Piece)
            Send(peer, name, Convert.ToBase64String(data, offset, Math.Min(Piece, data.Length - offset)), offset);
    }

    private static void Send(IPeer peer, string name, string data, int offset) =>
        Answer(peer, new JsonObject { ["op"] = "blob", ["name"] = name, ["data"] = data, ["offset"] = offset }, "bytes");

    private static JsonNode Answer(IPeer peer, JsonObject request, string field) => peer.Ask(request)[field]
        ?? throw new UsageException($"peers: the answer of {peer.Name} to {request["op"]} has no '{field}'");

    private IEnumerable<Side> Sides(Workload workload)
    {
        foreach (var own in workload.Own.Take(1))
            yield return Own(own);
        foreach (var peer in peers)
        {
            foreach (var variant in Variants(peer, workload))
                yield return new Side(peer.Name, variant, threads, false, peer, length => Ask(peer, workload, variant, length));
        }

        foreach (var own in workload.Own.Skip(1))
            yield return Own(own);

        static Side Own(OwnSide own) => new(OwnName, own.Variant, own.Threads, own.BusyCore, null, length => new Measurement(own.Measure(length), null));
    }

    private Measurement Ask(IPeer peer, Workload workload, string variant, double length)
    {
        var request = (JsonObject)workload.Request.DeepClone();
        request["variant"] = variant;
        request["threads"] = threads;
        request["seconds"] = length;
        var answer = peer.Ask(request);
        if (answer["seconds"] is not JsonValue time || answer["output"] is not JsonValue output)
            throw new UsageException($"peers: the answer of {peer.Name} to {workload.Operation} ({variant}) lacks 'seconds' or 'output'");
        return new Measurement(time.GetValue<double>(), MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(output.GetValue<string>())).ToArray());
    }

    private static Agreement Check(Workload workload, Side side, float[] output)
    {
        var agreement = workload.Compare(side.Variant, output);
        return agreement.Holds ? agreement : throw new EscException(
            ErrorCode.BadInput,
            FormattableString.Invariant($"peers: {workload.Name}: {side.Engine} ({side.Variant}) computes something else than this engine: {agreement.Of} differ by {agreement.Difference:0.0e0}, allowed are {agreement.Tolerance:0.0e0}"));
    }

    private static SideResult[] Results(Workload workload, Side[] sides, double[][] times, Agreement?[] agreements)
    {
        var medians = times.Select(Sampling.Median).ToArray();
        return [.. sides.Select((side, i) =>
        {
            var ratios = times[i].Zip(times[0], (theirs, ours) => theirs / ours).ToArray();
            return new SideResult
            {
                Engine = side.Engine,
                Variant = side.Variant,
                Threads = side.Threads,
                BusyCore = side.BusyCore,
                Milliseconds = medians[i] * 1e3,
                SamplesMs = [.. times[i].Select(seconds => seconds * 1e3)],
                ImagesPerSecond = workload.Images / medians[i],
                Ratio = Sampling.Median(ratios),
                RatioLow = ratios.Min(),
                RatioHigh = ratios.Max(),
                Best = !side.BusyCore && !sides.Where((other, j) => SameBar(side, other) && medians[j] < medians[i]).Any(),
                Difference = agreements[i]?.Difference,
                Tolerance = agreements[i]?.Tolerance,
                Compared = agreements[i]?.Of,
            };
        })];

        static bool SameBar(Side a, Side b) => (a.Engine, a.Threads, a.BusyCore) == (b.Engine, b.Threads, b.BusyCore);
    }

    private sealed record Side(string Engine, string Variant, int Threads, bool BusyCore, IPeer? Peer, Func<double, Measurement> Measure);

    private readonly record struct Measurement(double Seconds, float[]? Output);
}

using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Bench.Peers;

/// <summary><c>peers</c>: whole networks and whole requests beside other engines, in the same run.</summary>
internal static class PeersCommand
{
    private const int LargeBatch = 64;

    // The images of a class of CIFAR-10, and the features of All-CNN, ResNet-18 and ViT-B.
    private const int MaskRows = 5000;
    private static readonly int[] MaskWidths = [96, 512, 768];

    private static IEnumerable<string> Names =>
        [$"forward-{LargeBatch}", "forward-1", $"train-{LargeBatch}", "esc-request", .. MaskWidths.Select(d => $"esct-{d}")];

    public static Verb Verb(OptionSet options) => new(
        "peers",
        "Measures inference, training and a whole erasure request in turn with other engines, on the same weights and images.",
        [
            options.Peer, options.ModelFile, options.Data, options.AllowOtherData, options.ForgetClass, options.K, options.Filter, options.Rounds, options.Seconds, options.Device, options.Threads,
            options.Seed, options.Json, options.Html, options.Force, options.Config, options.Quiet,
        ],
        [
            "escnative peers --model-file model.safetensors --peer \"python3 bench/peers/pytorch_peer.py\"",
            "escnative peers --model-file m.safetensors --filter forward --peer \"python3 a.py\" --peer \"python3 b.py\"",
        ],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        var modelFile = context.Require(options.ModelFile);
        var chosen = Chosen(context.Get(options.Filter) ?? "");
        OptionChecks.Inputs(context);
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html));
        var (device, setup) = Setup.TakeToMeasure(context);
        var document = Setup.Document(context, setup);
        using var model = ModelFile.Load(modelFile, device);
        var data = Inputs.Open(context.Get(options.Data), model.Description);
        var trust = DataTrust.Of(context);
        trust.Check(model, modelFile, data);
        var split = ForgetSplit.Create(data, Inputs.Request(context.Get(options.ForgetClass) ?? "4", null, data));
        var unlearning = new UnlearningOptions
        {
            Percent = context.Get(options.K) is null ? Esc.DefaultPercent : null,
            Directions = context.Get(options.K),
            Seed = (ulong)context.Get(options.Seed),
        };
        // A k that the model has not is wrong whatever is measured; the default p may be too small for a model of which only masks are.
        if (unlearning.Directions is not null || chosen.Contains("esc-request"))
            _ = Esc.DirectionsOf(model.FeatureWidth, unlearning);
        var remarks = trust.Examine(model, modelFile, data);

        using var subject = new ComparedModel(model, split);
        var workloads = Workloads(subject, unlearning, setup.Threads).Where(workload => chosen.Contains(workload.Name)).Select(workload => workload.Make);
        var peers = new List<PeerProcess>();
        try
        {
            foreach (var command in context.Get(options.Peer) ?? [])
                peers.Add(new PeerProcess(command));
            var results = new List<WorkloadResult>();
            using (var progress = new ProgressLine(context.Terminal))
            {
                var comparison = new SideBySide(peers, setup.Threads, context.Get(options.Rounds), context.Get(options.Seconds));
                foreach (var make in workloads)
                {
                    using var workload = make();
                    results.Add(comparison.Measure(workload, share => progress.Report(workload.Name, share), context.Cancel));
                }
            }

            Setup.Publish(context, document with
            {
                Data = Results.Of(data, context.Get(options.Data)),
                Model = Results.Of(model, Setup.NameOf(modelFile), ModelCache.HashOf(modelFile)),
                Peers = new PeersResult([.. peers.Select(peer => new PeerResult(peer.Name, peer.Software))], results),
                Notes = remarks,
            });
        }
        catch (UsageException) when (context.Cancel.IsCancellationRequested)
        {
            // Ctrl-C reaches the peers too: that one of them has ended is no fault.
            throw new OperationCanceledException(context.Cancel);
        }
        finally
        {
            foreach (var peer in peers)
                peer.Dispose();
        }

        return ExitCode.Ok;
    }

    private static string[] Chosen(string filter)
    {
        string[] all = [.. Names];
        var chosen = Array.FindAll(all, name => name.Contains(filter, StringComparison.OrdinalIgnoreCase));
        return chosen.Length > 0
            ? chosen
            : throw new UsageException($"--filter: no workload's name holds '{filter}'; there are {string.Join(", ", all)}{Suggestion.For(filter, all)}");
    }

    // Made one after another: nobody holds memory or tensors of another workload while one is measured.
    private static IEnumerable<(string Name, Func<Workload> Make)> Workloads(ComparedModel subject, UnlearningOptions unlearning, int threads) => Names.Zip(
    [
        () => new ForwardWorkload(subject, LargeBatch, threads),
        () => new ForwardWorkload(subject, 1, threads),
        () => new TrainWorkload(subject, LargeBatch, threads),
        () => new EscWorkload(subject, unlearning, threads),
        .. MaskWidths.Select(d => (Func<Workload>)(() => new MaskWorkload(MaskRows, d, threads))),
    ]);
}

using System.CommandLine;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Bench.Peers;

/// <summary><c>peers</c>: whole networks and whole requests beside other engines, in the same run.</summary>
internal static class PeersCommand
{
    // The images of a class of CIFAR-10, and the features of All-CNN, ResNet-18 and ViT-B.
    private const int MaskRows = 5000;
    private static readonly int[] MaskWidths = [96, 512, 768];

    public static Verb Verb(OptionSet options) => new(
        "peers",
        "Measures inference, training and a whole erasure request in turn with other engines, on the same weights and images.",
        [
            options.Peer, options.ModelFile, options.Architecture, options.Stem, options.Width, options.ImageSize, options.PeerBatch, options.Data, options.AllowOtherData, options.ForgetClass, options.K, options.Filter, options.Rounds, options.Seconds, options.Device, options.Threads,
            options.Seed, options.Json, options.Html, options.Export, options.Force, options.Config, options.Quiet,
        ],
        [
            "escnative peers --model-file my.safetensors --data ./cifar-10 --peer \"python3 bench/peers/pytorch_peer.py\"",
            "escnative peers --arch resnet18 --stem cifar --batch 64 --peer \"python3 a.py\" --peer \"python3 b.py\"",
        ],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        var network = Network(context);
        var batch = context.Get(options.PeerBatch);
        var chosen = Chosen(context.Get(options.Filter) ?? "", batch);
        OptionChecks.Inputs(context);
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html));
        var (device, setup) = Setup.TakeToMeasure(context);
        var document = Setup.Document(context, setup);
        var subject = network is null ? FromFile(context, device) : Made(context, network, batch, device);
        using var model = subject.Model;
        var data = subject.Data;
        var split = ForgetSplit.Create(data, context.Get(options.ForgetClass) is { } classes ? Inputs.Request(classes, null, data) : Inputs.PaperClass(data));
        var unlearning = new UnlearningOptions
        {
            Percent = context.Get(options.K) is null ? Esc.DefaultPercent : null,
            Directions = context.Get(options.K),
            Seed = (ulong)context.Get(options.Seed),
        };
        // A k that the model has not is wrong whatever is measured; the default p may be too small for a model of which only masks are.
        if (unlearning.Directions is not null || chosen.Contains("esc-request"))
            _ = Esc.DirectionsOf(model.FeatureWidth, unlearning);
        var remarks = subject.Examine();

        using var compared = new ComparedModel(model, split);
        var peers = new List<PeerProcess>();
        try
        {
            foreach (var command in context.Get(options.Peer) ?? [])
                peers.Add(new PeerProcess(command));
            // A peer that lacks the network says so before the first measurement.
            foreach (var peer in peers)
            {
                foreach (var name in chosen)
                    _ = peer.Variants(name.Split('-')[0], model.Description.Architecture);
            }

            var results = new List<WorkloadResult>();
            using (var progress = new ProgressLine(context.Terminal))
            {
                var comparison = new SideBySide(peers, setup.Threads, context.Get(options.Rounds), context.Get(options.Seconds));
                // Made one after another: nobody holds memory or tensors of another workload while one is measured.
                foreach (var name in chosen)
                {
                    using var workload = Make(name, batch, compared, unlearning, setup.Threads);
                    results.Add(comparison.Measure(workload, share => progress.Report(workload.Name, share), context.Cancel));
                }
            }

            Setup.Publish(context, document with
            {
                Data = subject.DataPath is { } named ? Results.Of(data, named) : new DataResult(data.Name, data.Train.Count, data.Test.Count, [.. data.ClassNames], data.Notes),
                Model = Results.Of(model, subject.Source, subject.Hash),
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

    private static string[] Names(int batch) =>
    [
        .. new[] { FormattableString.Invariant($"forward-{batch}"), "forward-1", FormattableString.Invariant($"train-{batch}"), EscWorkload.WorkloadName }.Distinct(),
        .. MaskWidths.Select(MaskWorkload.NameOf),
        .. DecodeWorkload.Names,
    ];

    private static string[] Chosen(string filter, int batch)
    {
        var all = Names(batch);
        var chosen = Array.FindAll(all, name => name.Contains(filter, StringComparison.OrdinalIgnoreCase));
        return chosen.Length > 0
            ? chosen
            : throw new UsageException($"--filter: no workload's name holds '{filter}'; there are {string.Join(", ", all)}{Suggestion.For(filter, all)}");
    }

    private static Workload Make(string name, int batch, ComparedModel subject, UnlearningOptions unlearning, int threads) => name switch
    {
        "forward-1" => new ForwardWorkload(subject, 1, threads),
        EscWorkload.WorkloadName => new EscWorkload(subject, unlearning, threads),
        _ when name.StartsWith("forward", StringComparison.Ordinal) => new ForwardWorkload(subject, batch, threads),
        _ when name.StartsWith("train", StringComparison.Ordinal) => new TrainWorkload(subject, batch, threads),
        _ when name.StartsWith("decode", StringComparison.Ordinal) => new DecodeWorkload(name),
        _ => new MaskWorkload(MaskRows, Array.Find(MaskWidths, d => MaskWorkload.NameOf(d) == name), threads),
    };

    // The network to make, or null where a file holds it.
    private static Hyperparameters? Network(CommandContext context)
    {
        var options = context.Options;
        var isMade = context.Has(options.Architecture);
        if (context.Get(options.ModelFile) is not { } file)
        {
            return isMade
                ? OptionChecks.Architecture(context)
                : throw new UsageException($"peers: {options.ModelFile.Name} FILE is missing; or give {options.Architecture.Name} NAME for a network with random weights");
        }

        var told = new Option[] { options.Architecture, options.Stem, options.Width, options.ImageSize }.Where(context.IsTyped).Select(option => option.Name).ToArray();
        return told.Length == 0
            ? null
            : throw new UsageException($"peers: {file} says itself what network it holds; leave {string.Join(", ", told)} out, or {options.ModelFile.Name} for a network with random weights");
    }

    private static Subject FromFile(CommandContext context, Device device)
    {
        var (file, path) = (context.Get(context.Options.ModelFile)!, context.Get(context.Options.Data));
        var model = ModelFile.Load(file, device);
        try
        {
            var data = Inputs.Open(path, model.Description);
            var trust = DataTrust.Of(context);
            trust.Check(model, file, data);
            return new Subject(model, data, path, Setup.NameOf(file), ModelCache.HashOf(file), () => trust.Examine(model, file, data));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static Subject Made(CommandContext context, Hyperparameters network, int batch, Device device)
    {
        var options = context.Options;
        var seed = context.Get(options.Seed);
        var path = context.Has(options.Data) ? context.Get(options.Data) : null;
        var data = path is null ? NoiseData.Make(network, batch, seed) : Inputs.Open(path, network);
        var model = Architectures.Create(
            new ModelDescription { Hyperparameters = network, Channels = data.Train.Channels, ClassNames = data.ClassNames, Normalisation = data.Normalisation },
            (ulong)seed,
            device);
        model.Training = false;
        return new Subject(model, data, path, "random weights", null, () => []);
    }

    // What is compared, with what a result tells of it; the images are looked at after everything else was checked.
    private sealed record Subject(Classifier Model, DataSet Data, string? DataPath, string Source, string? Hash, Func<IReadOnlyList<string>> Examine);
}

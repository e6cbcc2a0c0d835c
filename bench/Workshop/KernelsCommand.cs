using EscNative.Bench.Cli;
using EscNative.Bench.Peers;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;

namespace EscNative.Bench.Workshop;

/// <summary><c>kernels</c>: the speed of the kernels, as a share of the machine's peak, and beside a peer.</summary>
internal static class KernelsCommand
{
    public static Verb Verb(OptionSet options) => new(
        "kernels",
        "Measures matrix products, convolutions and the solve against the machine's peak, and against a peer in the same run.",
        [options.Filter, options.Peer, options.Rounds, options.Device, options.Predict, options.Threads, options.Json, options.Html, options.Export, options.Force, options.Config, options.Quiet],
        [
            "escnative kernels --filter convolution --threads 1",
            "escnative kernels --peer \"python3 bench/peers/pytorch_peer.py\" --json kernels.json",
        ],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        if (context.Get(options.Peer) is { Length: > 1 } several)
            throw new UsageException($"kernels: got {several.Length} peers, wants one; the verb peers takes several");
        Setup.CheckOutputs(context, context.Get(options.Json), context.Get(options.Html));
        if (context.Get(options.Predict))
            return Predict(context);
        var (device, setup) = Setup.Take(context);
        var filter = context.Get(options.Filter) ?? "";
        if (!device.IsHost)
            return RunOnGpu(context, device, setup, filter);
        var cases = KernelCases.All().Where(c => c.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (cases.Length == 0)
            throw new UsageException($"--filter: no kernel's name holds '{filter}'; there are {string.Join("; ", KernelCases.All().Select(c => c.Name))}");
        var commands = context.Get(options.Peer) ?? [];
        using var peer = commands.Length == 1 ? new PeerProcess(commands[0]) : null;
        var workshop = new KernelWorkshop(peer, context.Get(options.Rounds), seconds: 0.2);
        var rows = new List<KernelRow>();
        using (var progress = new ProgressLine(context.Terminal))
        {
            foreach (var kernel in cases)
            {
                progress.Report("kernels", (double)rows.Count / cases.Length, kernel.Name);
                rows.Add(workshop.Measure(kernel, setup.Threads, context.Cancel));
            }
        }

        Setup.Publish(context, Setup.Document(context, setup) with { Kernels = new KernelsResult(peer?.Name, rows) });
        return ExitCode.Ok;
    }

    private static ExitCode Predict(CommandContext context)
    {
        if (context.Get(context.Options.Peer) is { Length: > 0 })
            throw new UsageException("kernels: a peer cannot be predicted; leave out --peer or --predict");
        var (gpu, filter) = (GpuModel.H200, context.Get(context.Options.Filter) ?? "");
        CudaKernelRow[] rows =
        [
            .. Predictions.Of(gpu)
                .Select(p => new CudaKernelRow(p.Group == "Operations" ? p.Name : $"{p.Group}: {p.Name}", double.NaN, double.NaN, double.NaN, double.NaN, 0, 1e3 * p.Seconds))
                .Where(r => r.Name.Contains(filter, StringComparison.OrdinalIgnoreCase)),
        ];
        if (rows.Length == 0)
            throw new UsageException($"--filter: no prediction's name holds '{filter}'; kernels --predict shows them all");
        var result = new CudaKernelsResult(gpu.Name, false, "9.0", "none", double.NaN, double.NaN, double.NaN, rows, gpu.Name);
        Setup.Publish(context, Setup.Document(context, Setup.Idle()) with { CudaKernels = result });
        return ExitCode.Ok;
    }

    private static ExitCode RunOnGpu(CommandContext context, Device device, SetupResult setup, string filter)
    {
        if (context.Get(context.Options.Peer) is { Length: > 0 })
            throw new UsageException("kernels: a peer is for the CPU's kernels; on a GPU run both sides by bench/gpu/run.sh");
        var all = CudaKernelCases.All(device);
        CudaKernelCase[] cases = [.. all.Where(c => c.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))];
        if (cases.Length == 0)
            throw new UsageException($"--filter: no operation's name holds '{filter}'; there are {string.Join("; ", all.Select(c => c.Name))}");
        CudaKernelsResult result;
        using (var progress = new ProgressLine(context.Terminal))
            result = new CudaWorkshop(device).Measure(cases, i => progress.Report("kernels", (double)i / cases.Length, cases[i].Name), context.Cancel);
        Setup.Publish(context, Setup.Document(context, setup) with { CudaKernels = result });
        return ExitCode.Ok;
    }
}

using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Bench.Exports;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Bench.Screens;
using EscNative.Engine;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Bench.Requests;

/// <summary>What every verb does first and last: the device, the threads, the outputs.</summary>
internal static class Setup
{
    /// <summary>Takes the device and the threads of the options.</summary>
    /// <exception cref="UsageException">The device's name is unknown.</exception>
    /// <exception cref="DeviceException">The device is not there.</exception>
    public static (Device Device, SetupResult Result) Take(CommandContext context)
    {
        var options = context.Options;
        var name = context.Get(options.Device);
        var device = OptionChecks.Device(name);
        CpuParallel.Threads = context.Get(options.Threads);
        if (device != Device.Cpu && CudaRuntime.KernelCacheProblem is { } problem)
            context.Terminal.Note($"compiled kernels are not kept: {problem}; set {CudaRuntime.KernelCacheVariable} to a folder that can be written");
        var reason = name == "auto" ? Device.AutoReason : null;
        return (device, new SetupResult(
            name, device.Name, reason, CpuParallel.Threads,
            context.Has(options.Precision) ? context.Get(options.Precision) : "f32",
            context.Get(options.Seed),
            device.IsEmulated));
    }

    /// <summary>As <see cref="Take"/>, for verbs whose purpose is to measure.</summary>
    /// <exception cref="DeviceException">The device is not there, or it is an emulated one.</exception>
    public static (Device Device, SetupResult Result) TakeToMeasure(CommandContext context)
    {
        var (device, result) = Take(context);
        if (device.IsEmulated)
            throw new DeviceException($"{context.Parsed.CommandResult.Command.Name}: {device} is the emulated GPU of the tests, whose times mean nothing; use a real GPU, or --device cpu");
        return (device, result);
    }

    /// <summary>The setup of a verb that computes nothing.</summary>
    public static SetupResult Idle() => new("cpu", "cpu", null, 1, "f32", 0);

    /// <summary>Checks that the outputs which the user named can be written, before anything long begins.</summary>
    /// <exception cref="UsageException">One exists and may not be replaced, two are the same file, or one is an input.</exception>
    /// <exception cref="OutputException">One cannot be written.</exception>
    public static void CheckOutputs(CommandContext context, params ReadOnlySpan<string?> paths) =>
        Outputs.Check(context, [.. paths, .. ExportRequest.Of(context).Select(export => export.Path)]);

    /// <summary>Prints a result and writes the files that the user asked for.</summary>
    /// <returns>What was printed: of an emulated device, without times.</returns>
    public static ResultDocument Publish(CommandContext context, ResultDocument result)
    {
        if (result.Setup.Emulated)
            result = WithoutTimes(result);
        var options = context.Options;
        // A verb without the option has nothing to leave out.
        ConsoleReport.Write(context.Terminal, result, !context.Parsed.CommandResult.Command.Options.Contains(options.Details) || context.Get(options.Details));
        if (context.Get(options.Json) is { } json)
            ResultJson.Write(result, json, Outputs.Prepare(context, json));
        if (context.Parsed.CommandResult.Command.Options.Contains(options.Html) && context.Get(options.Html) is { } html)
            HtmlReport.Write(result, html, Outputs.Prepare(context, html));
        ExportRequest.Write(context, ExportRequest.Of(context), result);
        return result;
    }

    // No time on an emulated device is ever shown, whatever was computed there.
    private static ResultDocument WithoutTimes(ResultDocument result) => result with
    {
        Training = result.Training is { } training ? training with { Seconds = double.NaN } : null,
        Unlearning = result.Unlearning is { } run ? run with { Seconds = double.NaN } : null,
        Erasures = result.Erasures is { } erasures ? [.. erasures.Select(e => e with { Seconds = double.NaN })] : null,
        Experiment = result.Experiment is { } experiment ? experiment.WithoutTimes() : null,
        Latency = null,
        Headline = result.Headline?.WithoutTimes(),
        TimeClaims = null,
    };

    /// <summary>A result with what is known at once.</summary>
    public static ResultDocument Document(CommandContext context, SetupResult setup) => new()
    {
        Verb = context.Parsed.CommandResult.Command.Name,
        Created = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        Machine = MachineInfo.Capture(),
        Setup = setup,
    };

    /// <summary>The last part of a path, safe to print: results name files, not where they lie.</summary>
    public static string NameOf(string path) => PlainText.Of(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))));
}

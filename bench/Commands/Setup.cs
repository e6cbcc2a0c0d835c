using System.Globalization;
using EscNative.Bench.Output;
using EscNative.Bench.Reports;
using EscNative.Bench.Timing;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Commands;

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
        var device = Device.Parse(name);
        CpuParallel.Threads = context.Get(options.Threads);
        var reason = name == "auto" ? Device.AutoReason : null;
        return (device, new SetupResult(
            name, device.Name, reason, CpuParallel.Threads,
            context.Has(options.Precision) ? context.Get(options.Precision) : "f32",
            context.Get(options.Seed)));
    }

    /// <summary>The setup of a verb that computes nothing.</summary>
    public static SetupResult Idle() => new("cpu", "cpu", null, 1, "f32", 0);

    /// <summary>Checks that the outputs which the user named can be written, before anything long begins.</summary>
    /// <exception cref="UsageException">One exists and may not be replaced, or two have the same name.</exception>
    /// <exception cref="OutputException">One cannot be written.</exception>
    public static void CheckOutputs(CommandContext context, params ReadOnlySpan<string?> paths)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            if (path is null)
                continue;
            if (!seen.Add(Path.GetFullPath(path)))
                throw new UsageException($"two outputs have the same name: {path}");
            AtomicFile.Check(path, context.Get(context.Options.Force));
        }
    }

    /// <summary>Prints a result and writes the files that the user asked for.</summary>
    public static void Publish(CommandContext context, ResultDocument result)
    {
        ConsoleReport.Write(context.Terminal, result);
        var options = context.Options;
        if (context.Get(options.Json) is { } json)
            ResultJson.Write(result, json, context.Get(options.Force));
        if (context.Parsed.CommandResult.Command.Options.Contains(options.Html) && context.Get(options.Html) is { } html)
            HtmlReport.Write(result, html, context.Get(options.Force));
    }

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

using System.CommandLine;
using System.Globalization;
using EscNative.Bench.Cli;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Scenarios;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Requests;

/// <summary>Checks of options by themselves: names, and files that must be there. Every verb makes them before anything else happens.</summary>
internal static class OptionChecks
{
    /// <summary>The methods that <c>--method</c> names, in its order.</summary>
    /// <exception cref="UsageException">A name is unknown, or given twice.</exception>
    public static IUnlearningMethod[] Methods(IReadOnlyList<string> names)
    {
        foreach (var name in names)
            Name("method", name, MethodRegistry.Names);
        return names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice
            ? throw new UsageException($"--method: {twice.Key} is given twice")
            : [.. names.Select(MethodRegistry.Create)];
    }

    /// <summary>What <c>--set</c> says, checked against the methods.</summary>
    /// <exception cref="UsageException">A method or parameter is unknown.</exception>
    public static MethodSettings Settings(CommandContext context, IReadOnlyList<IUnlearningMethod> methods)
    {
        var settings = MethodSettings.Parse(context.Get(context.Options.Set));
        settings.Check(methods);
        return settings;
    }

    /// <summary>Checks the name of a solver, as far as the device does not matter.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public static void Solver(CommandContext context) => Name("solver", context.Get(context.Options.Solver), Solvers.CudaNames);

    /// <summary>Checks that the device has the solver.</summary>
    /// <exception cref="UsageException">It has not.</exception>
    public static void Solver(CommandContext context, Device device) =>
        _ = Solvers.Create(context.Get(context.Options.Solver), CudaInterop.ContextOf(device));

    /// <summary>The network that is to be made.</summary>
    /// <exception cref="UsageException">Its name is unknown, it has no such hyper-parameter, or a value is impossible.</exception>
    public static Hyperparameters Architecture(CommandContext context)
    {
        var name = context.Get(context.Options.Architecture);
        Name("arch", name, Architectures.Names);
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (context.Get(context.Options.Width) is { } width)
            values["width"] = width.ToString("R", CultureInfo.InvariantCulture);
        if (context.Get(context.Options.Stem) is { } stem)
            values["stem"] = stem;
        if (context.Get(context.Options.ImageSize) is { } size)
            values["size"] = size.ToString(CultureInfo.InvariantCulture);
        return Architectures.Choose(name, values);
    }

    /// <summary>The scenario of a name.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static Scenario Scenario(string name)
    {
        Name("scenario", name, Unlearning.Scenarios.Scenario.Names);
        return Unlearning.Scenarios.Scenario.Parse(name);
    }

    /// <summary>The device of the options.</summary>
    /// <exception cref="UsageException">The name is unknown.</exception>
    /// <exception cref="DeviceException">The device is not there.</exception>
    public static Device Device(string name)
    {
        try
        {
            return Engine.Device.Parse(name);
        }
        catch (UsageException unknown)
        {
            throw new UsageException("--" + unknown.Message + Suggestion.For(name, ["auto", "cpu", "cuda", "cuda:0"]));
        }
    }

    /// <summary>Checks that what is to be forgotten is named once.</summary>
    /// <param name="context">The options.</param>
    /// <param name="needed">Whether it must be named.</param>
    /// <exception cref="UsageException">It is named twice, or not.</exception>
    public static void Forget(CommandContext context, bool needed)
    {
        var (classes, indices) = (context.Get(context.Options.ForgetClass), context.Get(context.Options.ForgetIndices));
        if (classes is not null && indices is not null)
            throw new UsageException("--forget-class and --forget-indices exclude each other: give one of them");
        var subject = context.Has(context.Options.ForgetSubject);
        if (subject && (classes ?? indices) is not null)
            throw new UsageException($"--forget-subject and {(classes is not null ? "--forget-class" : "--forget-indices")} exclude each other: give one of them");
        if (needed && classes is null && indices is null && !subject)
            throw new UsageException("what is to be forgotten is missing: give --forget-class 4 or --forget-indices FILE");
    }

    /// <summary>Checks a checkpoint's options for <c>train</c> and <c>unlearn</c>.</summary>
    /// <returns>The checkpoint to go on from, or null.</returns>
    /// <exception cref="UsageException">There is none to resume from.</exception>
    public static string? Resumed(CommandContext context)
    {
        if (!context.Get(context.Options.Resume))
            return null;
        var checkpoint = context.Get(context.Options.Checkpoint) ?? throw new UsageException("--resume: wants the checkpoint to go on from (--checkpoint FILE)");
        return File.Exists(checkpoint) ? checkpoint : throw new UsageException($"--resume: there is no checkpoint {checkpoint}");
    }

    /// <summary>Checks that every file that the verb's options name as an input can be opened, and that the images are somewhere.</summary>
    /// <exception cref="DataFormatException">One is missing, or cannot be opened.</exception>
    public static void Inputs(CommandContext context)
    {
        _ = ModelReading.Of(context);
        foreach (var (option, path) in InputFiles(context))
        {
            if (option != context.Options.Data)
                InputFile.Open(path).Dispose();
            else if (!File.Exists(path) && !Directory.Exists(path))
                Missing(path);
        }
    }

    /// <summary>Checks that a folder that is made when it is needed can be one. Makes nothing.</summary>
    /// <exception cref="OutputException">A file has its name, or that of a folder above it.</exception>
    public static void Folder(CommandContext context, Option<string?> option)
    {
        if (context.Get(option) is not { } folder)
            return;
        for (var above = Path.GetFullPath(folder); above is not null && !Directory.Exists(above); above = Path.GetDirectoryName(above))
        {
            if (File.Exists(above))
                throw new OutputException($"{option.Name} {folder}: {(above == Path.GetFullPath(folder) ? "it" : above)} is a file, wants a folder");
        }
    }

    /// <summary>The files that the verb's options name as inputs, the images' own path among them.</summary>
    public static IEnumerable<(Option Option, string Path)> InputFiles(CommandContext context)
    {
        var options = context.Options;
        foreach (var option in new Option[] { options.ModelFile, options.Original, options.Retrain, options.ForgetIndices, options.Config, options.Data })
        {
            if (context.Parsed.CommandResult.Command.Options.Contains(option) && (option is Option<string?> named ? context.Get(named) : context.Parsed.GetValue<string?>(option.Name)) is { } path
                && !(option == options.Data && path == EmbeddedData.Name))
            {
                yield return (option, path);
            }
        }

        // A list of names is no file.
        if (context.Parsed.CommandResult.Command.Options.Contains(options.ClassNames) && context.Get(options.ClassNames) is { } names && File.Exists(names))
            yield return (options.ClassNames, names);
    }

    /// <summary>Checks a name that an option takes.</summary>
    /// <param name="option">The option without its dashes.</param>
    /// <param name="name">The name.</param>
    /// <param name="known">Those that there are.</param>
    /// <exception cref="UsageException">It is none of them; the message has the nearest.</exception>
    public static void Name(string option, string name, IReadOnlyList<string> known) => Known($"--{option}", name, known);

    /// <summary>Checks a name.</summary>
    /// <param name="where">Where it stands, for the message: an option, a verb.</param>
    /// <param name="name">The name.</param>
    /// <param name="known">Those that there are.</param>
    /// <exception cref="UsageException">It is none of them; the message has the nearest.</exception>
    public static void Known(string where, string name, IReadOnlyList<string> known)
    {
        if (!known.Contains(name))
            throw new UsageException($"{where}: got '{name}', wants one of {string.Join(", ", known)}{Suggestion.For(name, known)}");
    }

    private static void Missing(string path)
    {
        try
        {
            _ = DataFolder.Open(path);
        }
        catch (DataFormatException missing) when (Suggestion.For(path, [EmbeddedData.Name]) is { Length: > 0 } nearest)
        {
            throw new DataFormatException(path, null, missing.Rule + nearest, missing);
        }
    }
}

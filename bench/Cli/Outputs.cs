using System.CommandLine;
using System.Security.Cryptography;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Bench.Cli;

/// <summary>What a verb writes: checked before any work, and where that is standard output, alone there.</summary>
internal static class Outputs
{
    /// <summary>The folder in the current one whose files are this program's own: they are replaced without being asked.</summary>
    public const string OwnFolder = "artifacts";

    /// <summary>Whether an output may take the place of a file.</summary>
    public static bool MayReplace(CommandContext context, string path) => context.Get(context.Options.Force) || IsOwn(path);

    /// <summary>Makes the folder of an output in the own folder.</summary>
    /// <returns>Whether the output may take the place of a file.</returns>
    /// <exception cref="OutputException">The folder cannot be made.</exception>
    public static bool Prepare(CommandContext context, string path)
    {
        if (IsOwn(path))
            AtomicFile.CreateFolder(FolderOf(path));
        return MayReplace(context, path);
    }

    /// <summary>Checks that outputs can be written, with the checkpoint of the verb if it has one.</summary>
    /// <param name="context">The options, which also name the inputs.</param>
    /// <param name="paths">The outputs; those that were not asked for are null.</param>
    /// <exception cref="UsageException">One exists and may not be replaced, two are the same file, or one is an input.</exception>
    /// <exception cref="OutputException">One cannot be written.</exception>
    public static void Check(CommandContext context, params ReadOnlySpan<string?> paths)
    {
        var options = context.Options;
        var inputs = Inputs(context);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            if (path is null)
                continue;
            var target = Distinct(path, seen, inputs);
            if (target.IsStandardOutput)
                context.Terminal.LeaveOutput();
            if (DataOf(context) is { } data && IsPart(data, target))
                throw new UsageException($"{path} is one of the files of --data {data}; give the output another name, an input is never replaced");
            // The folder is made when there is something to put into it.
            if (IsOwn(path) && !Directory.Exists(FolderOf(path)))
                CheckFolder(path);
            else
                AtomicFile.Check(path, MayReplace(context, path));
        }

        if (!Verb(context).Options.Contains(options.Checkpoint) || context.Get(options.Checkpoint) is not { } checkpoint)
            return;
        if (Distinct(checkpoint, seen, inputs).IsStream)
            throw new UsageException($"--checkpoint {checkpoint}: wants a file, which is written after every epoch and read again");
        // It replaces itself after every epoch; one that is there already, wherever it lies, belongs to a run that may be resumed.
        AtomicFile.Check(checkpoint, context.Get(options.Resume) || context.Get(options.Force));
    }

    /// <summary>Writes an output whole or not at all.</summary>
    /// <returns>SHA-256 of what was written, lower-case hexadecimal.</returns>
    /// <exception cref="UsageException">It exists and may not be replaced.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static string Write(CommandContext context, string path, Action<Stream> write)
    {
        using var hash = SHA256.Create();
        AtomicFile.Write(
            path,
            stream =>
            {
                // The hash cannot be taken of the file afterwards: a pipe is read once.
                using var both = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true);
                write(both);
            },
            Prepare(context, path));
        return Convert.ToHexStringLower(hash.Hash!);
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(OutputTarget.Of(path).Path)!;

    // Of an output in the own folder: whether its folder is there or can be made. Makes nothing.
    private static void CheckFolder(string path)
    {
        var missing = FolderOf(path);
        while (Path.GetDirectoryName(missing) is { } above && !Path.Exists(missing) && !Directory.Exists(above))
            missing = above;
        var blocking = File.Exists(missing) ? missing : File.Exists(Path.GetDirectoryName(missing)) ? Path.GetDirectoryName(missing) : null;
        if (blocking is not null)
            throw new OutputException($"cannot write {path}: {Path.GetRelativePath(Environment.CurrentDirectory, blocking)} is a file, wants a folder; give the output another name");
        AtomicFile.Check(missing, force: true);
    }

    private static Command Verb(CommandContext context) => context.Parsed.CommandResult.Command;

    private static OutputTarget Distinct(string path, HashSet<string> seen, Dictionary<string, string> inputs)
    {
        var target = OutputTarget.Of(path);
        if (target.Identity is not { } identity)
            return target;
        if (inputs.TryGetValue(identity, out var input))
            throw new UsageException($"{path} is an output and the file of {input}; give the output another name, an input is never replaced");
        return seen.Add(identity) ? target : throw new UsageException($"two outputs have the same name: {path}");
    }

    // The files that the options name, by what identifies them.
    private static Dictionary<string, string> Inputs(CommandContext context)
    {
        var options = context.Options;
        var inputs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var option in (Option[])[options.ModelFile, options.Original, options.Retrain, options.ForgetIndices, options.Config, options.Data])
        {
            if (Verb(context).Options.Contains(option) && context.Parsed.GetResult(option)?.GetValueOrDefault<string?>() is { } path)
                Add(path, option.Name);
        }

        foreach (var argument in Verb(context).Arguments.OfType<FileArgument>())
        {
            if (context.Parsed.GetValue(argument) is { } path)
                Add(path, argument.Name);
        }

        return inputs;

        void Add(string path, string name)
        {
            if (path.Length > 0 && File.Exists(path) && OutputTarget.Of(path).Identity is { } identity)
                inputs.TryAdd(identity, $"{name} {path}");
        }
    }

    private static string? DataOf(CommandContext context) =>
        Verb(context).Options.Contains(context.Options.Data) && context.Get(context.Options.Data) is { } data && Directory.Exists(data) ? data : null;

    // A manifest is the one thing that this program itself puts among images.
    private static bool IsPart(string data, OutputTarget target) =>
        File.Exists(target.Path) && Path.GetFileName(target.Path) != LacunaManifest.FileName && Contains(data, target.Path) && DataFolder.IsDataFile(target.Path);

    private static bool IsOwn(string path) =>
        OutputTarget.Of(path) is { IsStream: false } target && Contains(OwnFolder, target.Path);

    // Both with their links followed: a link in a folder may lead out of it.
    private static bool Contains(string folder, string file) =>
        file.StartsWith(Path.TrimEndingDirectorySeparator(OutputTarget.Of(folder).Path) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}

using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Bench.Verbs;

/// <summary><c>inspect</c>: what is in a model file, and whether this program can use it.</summary>
internal static class InspectCommand
{
    public static Verb Verb(OptionSet options)
    {
        var file = new FileArgument("The model file (or --model-file).");
        return new Verb(
            "inspect",
            "Lists the tensors, metadata, architecture and erasures of a model file, and which of its tensors have a place in a network that is known here.",
            [options.ModelFile, options.Mean, options.Std, options.ClassNames, options.ImageSize, options.Plan, options.Json, options.Force, options.Config, options.Quiet],
            ["escnative inspect model.safetensors", "escnative inspect resnet20.th", "escnative inspect model.safetensors --plan", "escnative inspect --model-file model.safetensors --json model.json"],
            context => Run(context, file))
        { Argument = file };
    }

    private static ExitCode Run(CommandContext context, FileArgument argument)
    {
        var options = context.Options;
        var (named, given) = (context.Parsed.GetValue(argument), context.Get(options.ModelFile));
        if (named is not null && given is not null && context.Has(options.ModelFile))
            throw new UsageException($"inspect: got two model files, '{named}' and --model-file '{given}'; wants one");
        var path = named is not null ? ModelFolder.FileOf(named) : context.Require(options.ModelFile);
        InputFile.Open(path).Dispose();
        var reading = ModelReading.Of(context);
        Setup.CheckOutputs(context, context.Get(options.Json));

        using var file = ArrayFile.Open(path);
        var remarks = new List<string>();
        var loading = reading.Options with { Remarks = remarks };
        var (architecture, mapping, erasures) = Load(file, path, loading);
        var (places, found) = Places(file, path, reading.Options);
        if (architecture is null)
            remarks.AddRange(file.Remarks);
        Setup.Publish(context, Setup.Document(context, Setup.Idle()) with
        {
            Checkpoint = new CheckpointResult(
                Setup.NameOf(path),
                ArrayFile.FilesOf(path).Sum(part => new FileInfo(part).Length),
                architecture,
                mapping,
                [.. file.Entries.Select(e => new TensorResult(e.Name, e.TypeName, e.Shape.ToArray(), e.Length, places.GetValueOrDefault(e.Name)?.Name, places.GetValueOrDefault(e.Name)?.Problem) { Fitted = places.GetValueOrDefault(e.Name)?.Fitted })],
                new SortedDictionary<string, string>(file.Metadata.ToDictionary(), StringComparer.Ordinal),
                erasures,
                context.Get(options.Plan) ? Plan(file, path, loading with { Remarks = null }) : null)
            {
                Remarks = remarks.Count + found.Count > 0 ? [.. remarks, .. found] : null,
            },
        });
        return ExitCode.Ok;
    }

    private static PlanStepResult[] Plan(INamedArraySource file, string path, ModelLoadOptions loading)
    {
        using var model = ModelFile.Load(file, path, null, loading);
        var (height, width, _) = model.Description.Input();
        using var extractor = CompiledExtractor.Compile(model, height, width);
        return
        [
            .. extractor.Plan.Steps.Select(s => new PlanStepResult(s.Name, s.Kind, s.Algorithm, s.Output.ToArray(), s.Flops, s.Bytes, s.WeightBytes)),
        ];
    }

    // A file that is no model of ours can still be listed: why it does not load is then part of the answer.
    private static (string? Architecture, string Mapping, IReadOnlyList<ErasureFactorResult> Erasures) Load(INamedArraySource file, string path, ModelLoadOptions loading)
    {
        try
        {
            using var model = ModelFile.Load(file, path, null, loading);
            var d = model.Description;
            return (
                d.Architecture,
                FormattableString.Invariant($"Loads: {string.Concat(d.Hyperparameters.Values.Select(v => $"{v.Name} {v.Value}, "))}{d.Channels} channels, {model.FeatureWidth} features, {model.Classes} classes, {model.ParameterCount} parameters; every tensor has its place."),
                [.. model.Erasure?.Factors.Select(f => new ErasureFactorResult(f.Kind.ToString(), f.Rank, f.Origin)) ?? []]);
        }
        catch (DataFormatException reason)
        {
            return (null, $"Does not load as a model: {reason.Rule}.", []);
        }
    }

    // Which tensors belong where; what does not is said in words too, the first few of it.
    private static (IReadOnlyDictionary<string, TensorPlace> Places, IReadOnlyList<string> Remarks) Places(INamedArraySource file, string path, ModelLoadOptions loading)
    {
        const int shown = 5;
        ModelMapping mapping;
        try
        {
            mapping = ModelMapping.Of(file, path, loading);
        }
        catch (DataFormatException)
        {
            // Why is said where it is loaded.
            return (new Dictionary<string, TensorPlace>(), []);
        }

        var remarks = new List<string>();
        var wrong = mapping.Places.Where(p => p.Problem is not null).ToArray();
        if (mapping.Architecture is not null && wrong.Length > 0)
        {
            remarks.Add(FormattableString.Invariant(
                $"{wrong.Length} of {mapping.Places.Count} tensors have no place in {mapping.Architecture}: {string.Join("; ", wrong.Take(shown).Select(p => $"{p.Stored ?? p.Name} ({p.Problem})"))}{(wrong.Length > shown ? "; ..." : "")}."));
        }

        return (mapping.Places.Where(p => p.Stored is not null).ToDictionary(p => p.Stored!, StringComparer.Ordinal), remarks);
    }
}

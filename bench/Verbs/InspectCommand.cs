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
            "Lists the tensors, metadata, architecture and erasures of a model file.",
            [options.ModelFile, options.Plan, options.Json, options.Force, options.Config, options.Quiet],
            ["escnative inspect model.safetensors", "escnative inspect model.safetensors --plan", "escnative inspect --model-file model.safetensors --json model.json"],
            context => Run(context, file))
        { Argument = file };
    }

    private static ExitCode Run(CommandContext context, FileArgument argument)
    {
        var options = context.Options;
        var (named, given) = (context.Parsed.GetValue(argument), context.Get(options.ModelFile));
        if (named is not null && given is not null && context.Has(options.ModelFile))
            throw new UsageException($"inspect: got two model files, '{named}' and --model-file '{given}'; wants one");
        var path = named ?? context.Require(options.ModelFile);
        InputFile.Open(path).Dispose();
        Setup.CheckOutputs(context, context.Get(options.Json));

        using var file = ArrayFile.Open(path);
        var (architecture, mapping, erasures) = Mapping(file);
        Setup.Publish(context, Setup.Document(context, Setup.Idle()) with
        {
            Checkpoint = new CheckpointResult(
                Setup.NameOf(path),
                new FileInfo(path).Length,
                architecture,
                mapping,
                [.. file.Entries.Select(e => new TensorResult(e.Name, e.TypeName, e.Shape.ToArray(), e.Length))],
                new SortedDictionary<string, string>(file.Metadata.ToDictionary(), StringComparer.Ordinal),
                erasures,
                context.Get(options.Plan) ? Plan(file) : null),
        });
        return ExitCode.Ok;
    }

    private static PlanStepResult[] Plan(INamedArraySource file)
    {
        using var model = ModelFile.Load(file);
        var (height, width, _) = model.Description.Input();
        using var extractor = CompiledExtractor.Compile(model, height, width);
        return
        [
            .. extractor.Plan.Steps.Select(s => new PlanStepResult(s.Name, s.Kind, s.Algorithm, s.Output.ToArray(), s.Flops, s.Bytes, s.WeightBytes)),
        ];
    }

    // A file that is no model of ours can still be listed: why it does not load is then part of the answer.
    private static (string? Architecture, string Mapping, IReadOnlyList<ErasureFactorResult> Erasures) Mapping(INamedArraySource file)
    {
        try
        {
            using var model = ModelFile.Load(file);
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
}

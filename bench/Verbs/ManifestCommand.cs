using EscNative.Bench.Cli;
using EscNative.Bench.Requests;
using EscNative.Models.Data;

namespace EscNative.Bench.Verbs;

/// <summary><c>manifest</c>: which images of a VGGFace2 folder make up Lacuna-10.</summary>
internal static class ManifestCommand
{
    public static Verb Verb(OptionSet options) => new(
        "manifest",
        "Draws Lacuna-10 (ten people, 400 + 100 images each) from your own VGGFace2 folder and writes down which images it took.",
        [options.Data, options.Output, options.Seed, options.Json, options.Force, options.Config, options.Quiet],
        ["escnative manifest --data ./VGGFace2", "escnative train --data ./VGGFace2 --output faces.safetensors"],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        var folder = context.Get(options.Data);
        if (folder == EmbeddedData.Name)
            throw new UsageException("manifest: --data FOLDER is missing: the folder of your VGGFace2 copy (n000001/0001_01.jpg, or that below train)");
        OptionChecks.Inputs(context);
        var output = context.Get(options.Output) ?? Path.Combine(folder, LacunaManifest.FileName);
        Setup.CheckOutputs(context, output, context.Get(options.Json));
        var document = Setup.Document(context, Setup.Idle() with { Seed = context.Get(options.Seed) });
        var manifest = LacunaManifest.Draw(folder, (ulong)context.Get(options.Seed), cancel: context.Cancel);
        var hash = Outputs.Write(context, output, manifest.Write);
        Setup.Publish(context, document with
        {
            Notes =
            [
                $"Drew {string.Join(", ", manifest.Identities.Select(i => i.Id))} with seed {manifest.Seed}.",
                $"Written to {Setup.NameOf(output)}, SHA-256 {hash}. It belongs in the folder of the images: --data FOLDER then reads them.",
            ],
        });
        return ExitCode.Ok;
    }
}

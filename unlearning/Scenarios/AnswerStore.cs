using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Unlearning.Scenarios;

/// <summary>Answered requests in a folder: the model that a method made, and what the method said, in one file each.</summary>
internal sealed class AnswerStore(string? folder)
{
    private const string NotePrefix = "escnative.note.";
    private const string KeyNote = "run.key";

    // Of what is kept beside the model; 2: with every run's seconds and the images that went through the network.
    private const string Form = "answer 2";

    // Between the parts of a list that stands in one metadata value.
    private const char Separator = '\u001f';

    /// <summary>The file of an answer, or null where nothing is kept.</summary>
    public string? PathOf(string name) => folder is null ? null : Path.Combine(folder, name + ".safetensors");

    /// <summary>The file of a method's state in training: another question of the same name has another.</summary>
    public string? CheckpointOf(string name, string key) => folder is null ? null : Path.Combine(folder, $"{name}-{key[..12]}.checkpoint");

    /// <summary>The hash of everything that an answer depends on.</summary>
    public static string Key(params ReadOnlySpan<string> causes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // What an answer of another form left is not found: the request is answered again.
        foreach (var cause in (string[])[Form, .. causes])
            hash.AppendData(Encoding.UTF8.GetBytes($"{cause.Length}:{cause}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>An answer of an earlier run, if there is one of that key.</summary>
    public (Classifier Model, RequestRun Run)? Find(string name, string key, Device device)
    {
        if (PathOf(name) is not { } path || !File.Exists(path))
            return null;
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(NotePrefix + KeyNote, out var saved) || saved != key)
            return null;
        var run = new RequestRun
        {
            Request = Note("request"),
            Outcome = Enum.TryParse<UnlearningOutcome>(Note("outcome"), out var outcome) && Enum.IsDefined(outcome) ? outcome : throw Damaged("outcome"),
            Seconds = Number("seconds", double.MaxValue),
            Runs = (int)Number("runs", int.MaxValue),
            Samples = [.. List("samples").Select(text => Parse(text, "samples") is var value && value >= 0 && value <= double.MaxValue ? value : throw Damaged("samples"))],
            ForwardedImages = (long)Number("forwarded-images", 1L << 53),
            Steps = (long)Number("steps", 1L << 53),
            Parameters = Parameters(),
            Notes = List("notes"),
        };
        return (ModelFile.Load(file, device), run);

        string Note(string part) => file.Metadata.TryGetValue($"{NotePrefix}run.{part}", out var value) ? value : throw Damaged(part);
        double Number(string part, double most) => Parse(Note(part), part) is var value && value >= 0 && value <= most ? value : throw Damaged(part);
        double Parse(string text, string part) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : throw Damaged(part);
        string[] List(string part) => Note(part) is { Length: > 0 } text ? text.Split(Separator) : [];
        Dictionary<string, double> Parameters()
        {
            var values = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var parameter in List("parameters"))
            {
                if (parameter.Split('=') is not [var key, var text] || !values.TryAdd(key, Parse(text, "parameters")))
                    throw Damaged("parameters");
            }

            return values;
        }

        DataFormatException Damaged(string part) => new(path, null, $"metadata {NotePrefix}run.{part} is missing or damaged: delete the file to answer the request again");
    }

    /// <summary>Keeps an answer.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Save(string name, string key, Classifier model, RequestRun run)
    {
        if (PathOf(name) is not { } path)
            return;
        ModelFile.Save(model, path, force: true, new Dictionary<string, string>
        {
            [KeyNote] = key,
            ["run.request"] = run.Request,
            ["run.outcome"] = run.Outcome.ToString(),
            ["run.seconds"] = Text(run.Seconds),
            ["run.runs"] = Text(run.Runs),
            ["run.samples"] = string.Join(Separator, run.Samples.Select(Text)),
            ["run.forwarded-images"] = Text(run.ForwardedImages),
            ["run.steps"] = Text(run.Steps),
            ["run.parameters"] = string.Join(Separator, run.Parameters.Select(p => $"{p.Key}={Text(p.Value)}")),
            ["run.notes"] = string.Join(Separator, run.Notes),
        });
        File.Delete(CheckpointOf(name, key)!);
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}

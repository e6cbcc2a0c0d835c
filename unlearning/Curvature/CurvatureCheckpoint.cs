using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Curvature;

/// <summary>The sums of a Fisher run so far in one safetensors file, and what the run is, so that no other is taken up by mistake.</summary>
internal sealed class CurvatureCheckpoint
{
    private const string Prefix = "escnative.curvature.";
    private const string Sums = "squares.";

    private readonly string _path;
    private readonly RunIdentity _run;

    private CurvatureCheckpoint(string path, RunIdentity run) => (_path, _run) = (path, run);

    /// <summary>The checkpoint of a run, or null where it keeps none.</summary>
    /// <exception cref="UsageException">The run is to be resumed and has no path.</exception>
    public static CurvatureCheckpoint? Of(IUnlearningMethod method, UnlearningContext context, MethodParameters parameters)
    {
        if (context.CheckpointPath is not null)
            return new CurvatureCheckpoint(context.CheckpointPath, MethodIdentity.Of(method, context, parameters, context.Model));
        return context.Resume
            ? throw new UsageException($"{method.Name}: resume wants the checkpoint to go on from (--checkpoint FILE)")
            : null;
    }

    /// <summary>Writes the sums; the file is replaced as a whole.</summary>
    /// <param name="curvature">Has them.</param>
    /// <param name="seconds">How long they took.</param>
    public void Save(FisherCurvature curvature, double seconds)
    {
        var arrays = curvature.Total.Sums.Select((sum, i) => NamedArray.From(Sums + Text(i), [sum.Length], sum));
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Prefix + "batches"] = Text(curvature.Done),
            [Prefix + "seconds"] = CheckpointSeconds.Text(seconds),
        };
        _run.Write(metadata, Prefix);
        SafetensorsWriter.Write(_path, arrays, metadata, force: true);
    }

    /// <summary>Puts the saved sums into a curvature that has not begun.</summary>
    /// <returns>How many seconds they took.</returns>
    /// <exception cref="DataFormatException">The file is no such checkpoint, or of another run.</exception>
    public double Load(FisherCurvature curvature)
    {
        using var file = SafetensorsFile.Open(_path);
        _run.Check(file, Prefix, "a curvature");
        if (!file.Metadata.TryGetValue(Prefix + "batches", out var text) || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var done)
            || done > curvature.Batches || (done < curvature.Batches && done % FisherCurvature.ChunkBatches != 0))
        {
            throw new DataFormatException(_path, null, $"metadata {Prefix}batches is '{text}', wants whole chunks of at most {curvature.Batches} batches");
        }

        var seconds = CheckpointSeconds.Read(file, _path, Prefix + "seconds");
        for (var i = 0; i < curvature.Total.Sums.Count; i++)
        {
            var values = file.Read(Sums + Text(i)).ToFloat64();
            if (values.Length != curvature.Total.Sums[i].Length)
                throw new DataFormatException(_path, null, $"array {Sums}{Text(i)} has {values.Length} values, wants {curvature.Total.Sums[i].Length}");
            if (Array.FindIndex(values, v => !(v >= 0 && double.IsFinite(v))) is >= 0 and var bad)
                throw new DataFormatException(_path, null, FormattableString.Invariant($"array {Sums}{Text(i)} holds {values[bad]} at value {bad}; a sum of squares is finite and 0 or more"));
            values.CopyTo(curvature.Total.Sums[i], 0);
        }

        curvature.Done = done;
        return seconds;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

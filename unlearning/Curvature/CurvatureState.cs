using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Curvature;

/// <summary>What a Fisher run keeps in its checkpoint: the sums so far.</summary>
internal static class CurvatureState
{
    private const string Sums = "squares.";

    /// <summary>The checkpoint of a run, or null where it keeps none.</summary>
    /// <exception cref="UsageException">The run is to be resumed and has no path.</exception>
    public static RunCheckpoint? Checkpoint(IUnlearningMethod method, UnlearningContext context, MethodParameters parameters)
    {
        if (context.CheckpointPath is not null)
            return new RunCheckpoint(context.CheckpointPath, "curvature", "a curvature", MethodIdentity.Of(method, context, parameters, context.Model));
        return context.Resume
            ? throw new UsageException($"{method.Name}: resume wants the checkpoint to go on from (--checkpoint FILE)")
            : null;
    }

    /// <summary>Writes the sums; the file is replaced as a whole.</summary>
    /// <param name="checkpoint">Where to.</param>
    /// <param name="curvature">Has them.</param>
    /// <param name="seconds">How long they took.</param>
    public static void Save(RunCheckpoint checkpoint, FisherCurvature curvature, double seconds) => checkpoint.Save(
        curvature.Total.Sums.Select((sum, i) => NamedArray.From(Name(i), [sum.Length], sum)),
        new RunValues().Add("batches", curvature.Done).Add("seconds", seconds));

    /// <summary>Puts the saved sums into a curvature that has not begun.</summary>
    /// <returns>How many seconds they took.</returns>
    /// <exception cref="DataFormatException">The file is no such checkpoint, damaged, or of another run.</exception>
    public static double Load(RunCheckpoint checkpoint, FisherCurvature curvature)
    {
        using var saved = checkpoint.Open();
        var done = saved.Whole("batches");
        if (done > curvature.Batches || (done < curvature.Batches && done % FisherCurvature.ChunkBatches != 0))
            throw saved.Refuse("batches", $"whole chunks of at most {curvature.Batches} batches");
        var seconds = saved.Seconds("seconds");
        for (var i = 0; i < curvature.Total.Sums.Count; i++)
        {
            var values = saved.Array(Name(i), ArrayType.F64, curvature.Total.Sums[i].Length).ToFloat64();
            if (Array.FindIndex(values, v => !(v >= 0 && double.IsFinite(v))) is >= 0 and var bad)
                throw new DataFormatException(saved.File.Name, null, FormattableString.Invariant($"array '{Name(i)}' holds {values[bad]} at value {bad}; a sum of squares is finite and 0 or more"));
            values.CopyTo(curvature.Total.Sums[i], 0);
        }

        curvature.Done = (int)done;
        return seconds;
    }

    private static string Name(int index) => Sums + index.ToString(CultureInfo.InvariantCulture);
}

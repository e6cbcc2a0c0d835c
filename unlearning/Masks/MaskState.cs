using EscNative.Engine.Formats;
using EscNative.Models;

namespace EscNative.Unlearning.Masks;

/// <summary>A mask in training, after a whole number of epochs.</summary>
/// <param name="Mask">M: [d, r] row-major.</param>
/// <param name="Epochs">Epochs done.</param>
/// <param name="Updates">Steps that changed the mask.</param>
/// <param name="Hits">Rows predicted right after the last epoch, with the soft mask; -1 before the first.</param>
internal sealed record MaskState(float[] Mask, int Epochs, long Updates, int Hits)
{
    private const string Name = "mask";

    /// <summary>A mask of ones.</summary>
    public static MaskState Start(int values)
    {
        var ones = new float[values];
        Array.Fill(ones, 1);
        return new MaskState(ones, 0, 0, -1);
    }

    /// <summary>Writes the state of a square mask.</summary>
    /// <param name="checkpoint">Where to.</param>
    /// <param name="dimension">d: M is [d, d].</param>
    /// <param name="seconds">How long it took.</param>
    public void Save(RunCheckpoint checkpoint, int dimension, double seconds) => checkpoint.Save(
        [NamedArray.From(Name, [dimension, dimension], Mask)],
        new RunValues().Add("epochs", Epochs).Add("updates", Updates).Add("hits", Hits).Add("seconds", seconds));

    /// <summary>Reads a state back.</summary>
    /// <param name="checkpoint">Where from.</param>
    /// <param name="dimension">d: M is [d, d].</param>
    /// <param name="mostEpochs">How many epochs are asked for.</param>
    /// <returns>The state, and how many seconds it took.</returns>
    /// <exception cref="DataFormatException">The file is no such checkpoint, damaged, of another run, or has more epochs behind it.</exception>
    public static (MaskState State, double Seconds) Load(RunCheckpoint checkpoint, int dimension, int mostEpochs)
    {
        using var saved = checkpoint.Open();
        var values = saved.Array(Name, ArrayType.F32, dimension, dimension).ToFloat32();
        if (Array.FindIndex(values, v => v is not (>= 0 and <= 1)) is >= 0 and var bad)
            throw new DataFormatException(saved.File.Name, null, FormattableString.Invariant($"holds {values[bad]} at value {bad} of the mask, wants 0 to 1: the run diverged, or the file is damaged"));
        var state = new MaskState(values, (int)saved.Whole("epochs", int.MaxValue), saved.Whole("updates"), (int)saved.Whole("hits", int.MaxValue));
        return state.Epochs <= mostEpochs
            ? (state, saved.Seconds("seconds"))
            : throw new DataFormatException(saved.File.Name, null, $"has {state.Epochs} epochs behind it, more than the {mostEpochs} that are asked for: set epochs to that or more, or begin anew");
    }
}

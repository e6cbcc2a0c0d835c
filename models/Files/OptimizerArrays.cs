using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Optimization;

namespace EscNative.Models;

/// <summary>An optimizer's state as named arrays of a checkpoint: a prefix and the tensor's number.</summary>
public static class OptimizerArrays
{
    /// <summary>The state in its order.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="prefix">What the names begin with.</param>
    public static IEnumerable<NamedArray> Of(Optimizer optimizer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.State.Select((tensor, i) => tensor.ToNamedArray(Name(prefix, i)));
    }

    /// <summary>Puts a saved state back; nothing is changed where the file is refused.</summary>
    /// <param name="optimizer">The optimizer that the state was saved of, as it began.</param>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">What the names begin with.</param>
    /// <param name="steps">How many steps were done.</param>
    /// <exception cref="DataFormatException">A tensor is missing, too many, of another shape, or holds NaN or infinity.</exception>
    public static void Restore(Optimizer optimizer, INamedArraySource file, string prefix, long steps)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(file);
        var saved = file.Entries.Count(e => e.Name.StartsWith(prefix, StringComparison.Ordinal));
        if (saved != optimizer.State.Count)
            throw new DataFormatException(file.Name, null, $"has {saved} tensors '{prefix}N', this optimizer wants {optimizer.State.Count}");
        using var scope = Tensor.Scope();
        optimizer.Restore(steps, [.. optimizer.State.Select((tensor, i) => Read(file, Name(prefix, i), tensor))]);
    }

    private static Tensor Read(INamedArraySource file, string name, Tensor like)
    {
        var array = file.Read(name);
        if (!array.Shape.SequenceEqual(like.Shape.ToArray()))
            throw new DataFormatException(file.Name, null, $"tensor '{name}' is [{string.Join(", ", array.Shape.ToArray())}], wants {like.Shape}");
        var values = array.ToFloat64();
        var single = like.DType != DType.F64;
        if (Array.FindIndex(values, v => !double.IsFinite(single ? (float)v : v)) is >= 0 and var bad)
            throw new DataFormatException(file.Name, null, FormattableString.Invariant($"tensor '{name}' holds {values[bad]} at value {bad}: the run diverged, or the file is damaged"));
        return single ? Tensor.From(array.ToFloat32(), like.Shape, like.Device) : Tensor.From(values, like.Shape, like.Device);
    }

    private static string Name(string prefix, int index) => prefix + index.ToString(CultureInfo.InvariantCulture);
}

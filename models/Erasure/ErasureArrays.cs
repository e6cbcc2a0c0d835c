using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Erasure;

/// <summary>An erasure operator as named arrays and metadata of a model file.</summary>
/// <remarks>Factor i: arrays <c>erasure.i.left</c> (and <c>.right</c>, <c>.offset</c> where the kind has them), metadata
/// <c>escnative.erasure.i.kind</c> and one entry for each item of its origin.</remarks>
internal static class ErasureArrays
{
    public const string ArrayPrefix = "erasure.";
    private const string MetadataPrefix = "escnative.erasure.";

    public static void Write(ErasureOperator erasure, List<NamedArray> arrays, IDictionary<string, string> metadata)
    {
        metadata[MetadataPrefix + "count"] = erasure.Factors.Count.ToString(CultureInfo.InvariantCulture);
        for (var i = 0; i < erasure.Factors.Count; i++)
        {
            var factor = erasure.Factors[i];
            arrays.Add(NamedArray.From($"{ArrayPrefix}{i}.left", [factor.Width, factor.Rank], factor.Left));
            if (factor.Kind == ErasureKind.Oblique)
                arrays.Add(NamedArray.From($"{ArrayPrefix}{i}.right", [factor.Width, factor.Rank], factor.Right));
            if (!factor.Offset.IsEmpty)
                arrays.Add(NamedArray.From($"{ArrayPrefix}{i}.offset", [factor.Width], factor.Offset));
            metadata[$"{MetadataPrefix}{i}.kind"] = factor.Kind.ToString();
            foreach (var (key, value) in factor.Origin)
                metadata[$"{MetadataPrefix}{i}.origin.{key}"] = value;
        }
    }

    /// <summary>The operator of a model file, or null where it has none.</summary>
    /// <exception cref="DataFormatException">Arrays and metadata contradict each other.</exception>
    public static ErasureOperator? Read(INamedArraySource file, int width)
    {
        var names = file.Entries.Select(e => e.Name).Where(n => n.StartsWith(ArrayPrefix, StringComparison.Ordinal)).ToHashSet();
        if (!file.Metadata.TryGetValue(MetadataPrefix + "count", out var text))
        {
            // Features would come out unerased: never guess here.
            return names.Count == 0
                ? null
                : throw new DataFormatException(file.Name, null, $"has erasure arrays ({names.First()}) but no metadata {MetadataPrefix}count");
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > 10_000)
            throw new DataFormatException(file.Name, null, $"metadata {MetadataPrefix}count is '{text}', wants a number of factors");
        var factors = new ErasureFactor[count];
        for (var i = 0; i < count; i++)
            factors[i] = ReadFactor(file, i, width, names);
        return names.Count == 0
            ? new ErasureOperator(width, factors)
            : throw new DataFormatException(file.Name, null, $"array {names.First()} belongs to none of the {count} erasure factors");
    }

    private static ErasureFactor ReadFactor(INamedArraySource file, int index, int width, HashSet<string> names)
    {
        var prefix = $"{MetadataPrefix}{index}.";
        if (!file.Metadata.TryGetValue(prefix + "kind", out var text) || !Enum.TryParse<ErasureKind>(text, out var kind) || !Enum.GetNames<ErasureKind>().Contains(text))
            throw new DataFormatException(file.Name, null, $"metadata {prefix}kind is '{text}', wants one of {string.Join(", ", Enum.GetNames<ErasureKind>())}");
        var origin = file.Metadata
            .Where(m => m.Key.StartsWith(prefix + "origin.", StringComparison.Ordinal))
            .ToDictionary(m => m.Key[(prefix.Length + 7)..], m => m.Value);
        var left = Required("left", 2);
        var offset = names.Contains($"{ArrayPrefix}{index}.offset") ? Required("offset", 1) : null;
        return kind switch
        {
            ErasureKind.Projection => ErasureFactor.Projection(left, width, origin),
            ErasureKind.Masked => ErasureFactor.Masked(left, width, origin),
            _ => ErasureFactor.Oblique(left, Right(left.Length), width, offset, origin),
        };

        double[] Right(int length) => Required("right", 2) is var right && right.Length == length
            ? right
            : throw new DataFormatException(file.Name, null, $"{ArrayPrefix}{index}.right has {right.Length} values, {ArrayPrefix}{index}.left has {length}; wants as many");

        double[] Required(string part, int rank)
        {
            var name = $"{ArrayPrefix}{index}.{part}";
            if (!names.Remove(name))
                throw new DataFormatException(file.Name, null, $"erasure factor {index} ({kind}) lacks the array {name}");
            var array = file.Read(name);
            if (array.Shape.Length != rank || array.Shape[0] != width)
                throw new DataFormatException(file.Name, null, $"{name} is [{string.Join(", ", array.Shape.ToArray())}], wants {(rank == 2 ? $"[{width}, k]" : $"[{width}]")}");
            var values = array.ToFloat64();
            if (Array.FindIndex(values, v => !float.IsFinite((float)v)) is >= 0 and var bad)
                throw new DataFormatException(file.Name, null, FormattableString.Invariant($"{name} holds {values[bad]:R} at value {bad}, wants finite numbers of single precision"));
            return values;
        }
    }
}

namespace EscNative.Tests.Engine;

/// <summary>All operations, by family in the other parts of this class.</summary>
public static partial class OperationCases
{
    // Lazy: the order in which the static fields of a partial class are set is not defined.
    private static readonly Lazy<Dictionary<string, OperationCase>> ByName = new(() => new OperationCase[][]
    {
        [.. Unary(), .. Binary(), .. MatrixProducts(), .. Reductions(), .. Views()],
        [.. Convolutions(), .. Pooling(), .. Subsampling(), .. Normalisation(), .. Probabilities(), .. Attention(), .. Losses(), .. Networks()],
    }.SelectMany(family => family).ToDictionary(c => c.Name));

    public static IEnumerable<OperationCase> All => ByName.Value.Values;

    public static OperationCase Get(string name) => ByName.Value[name];

    private static string Text(int[] shape) => $"[{string.Join(", ", shape)}]";
}

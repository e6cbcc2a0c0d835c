namespace EscNative.Tests.Engine;

/// <summary>Comparisons whose tolerance follows from the arithmetic (OperationCase derives it).</summary>
public static class Close
{
    /// <summary>The rounding of a type: half the distance from 1 to the next number.</summary>
    public static double Rounding(DType type) => Math.ScaleB(1, type == DType.F64 ? -53 : -24);

    public static double Largest(this NdArray array)
    {
        var largest = 0.0;
        foreach (var value in array.Values)
            largest = Math.Max(largest, double.IsFinite(value) ? Math.Abs(value) : 0);
        return largest;
    }

    public static void AssertEqual(NdArray wanted, NdArray got, double tolerance, string context)
    {
        Assert.True(wanted.Shape.AsSpan().SequenceEqual(got.Shape), $"{context}: shape [{string.Join(", ", got.Shape)}], wanted [{string.Join(", ", wanted.Shape)}]");
        for (var i = 0; i < wanted.Values.Length; i++)
            AssertEqual(wanted.Values[i], got.Values[i], tolerance, $"{context}, value {i}");
    }

    public static void AssertEqual(double wanted, double got, double tolerance, string context)
    {
        var equal = double.IsNaN(wanted) ? double.IsNaN(got) : wanted == got || Math.Abs(wanted - got) <= tolerance;
        if (!equal)
            Assert.Fail($"{context}: got {got:R}, wanted {wanted:R}, difference {Math.Abs(got - wanted):G3} > {tolerance:G3}");
    }
}

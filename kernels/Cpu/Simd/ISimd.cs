using System.Numerics;

namespace EscNative.Kernels.Cpu;

/// <summary>A SIMD register of float or double. A kernel is written once over it and compiled for each register width.</summary>
/// <typeparam name="TSelf">The register type itself.</typeparam>
/// <typeparam name="T">float or double.</typeparam>
/// <remarks>The wrappers cost nothing: the JIT sees a struct with one vector field and keeps it in a register.</remarks>
internal unsafe interface ISimd<TSelf, T> :
    IAdditionOperators<TSelf, TSelf, TSelf>,
    ISubtractionOperators<TSelf, TSelf, TSelf>,
    IMultiplyOperators<TSelf, TSelf, TSelf>,
    IDivisionOperators<TSelf, TSelf, TSelf>,
    IUnaryNegationOperators<TSelf, TSelf>
    where TSelf : unmanaged, ISimd<TSelf, T>
    where T : unmanaged
{
    /// <summary>Values in a register.</summary>
    static abstract int Count { get; }

    /// <summary>All values 0.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>All values <paramref name="value"/>.</summary>
    static abstract TSelf Create(T value);

    /// <summary>All values <paramref name="value"/>, rounded to <typeparamref name="T"/>.</summary>
    static abstract TSelf Constant(double value);

    /// <summary>Reads a whole register.</summary>
    static abstract TSelf Load(T* source);

    /// <summary>Reads <paramref name="count"/> values, fewer than a register holds; the others are 0.</summary>
    static abstract TSelf LoadPartial(T* source, long count);

    /// <summary>Reads <paramref name="count"/> values, fewer than a register holds; the others come from <paramref name="fill"/>.</summary>
    static abstract TSelf LoadPartial(T* source, long count, TSelf fill);

    /// <summary>The first <paramref name="count"/> values of <paramref name="value"/>; the others are 0.</summary>
    static abstract TSelf Keep(TSelf value, long count);

    /// <summary>Writes a whole register.</summary>
    void Store(T* target);

    /// <summary>Writes the first <paramref name="count"/> values.</summary>
    void StorePartial(T* target, long count);

    /// <summary>a * b + c, in one rounding where the processor has it.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    /// <summary>The larger one; NaN if one of them is NaN.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>The smaller one; NaN if one of them is NaN.</summary>
    static abstract TSelf Min(TSelf a, TSelf b);

    /// <summary>The larger one; <paramref name="b"/> if that is NaN.</summary>
    static abstract TSelf MaxNative(TSelf a, TSelf b);

    /// <summary>The smaller one; <paramref name="b"/> if that is NaN.</summary>
    static abstract TSelf MinNative(TSelf a, TSelf b);

    /// <summary>Absolute value.</summary>
    static abstract TSelf Abs(TSelf a);

    /// <summary>Square root.</summary>
    static abstract TSelf Sqrt(TSelf a);

    /// <summary>The nearest whole number, halves to even.</summary>
    static abstract TSelf Round(TSelf a);

    /// <summary>The magnitude of <paramref name="a"/> with the sign of <paramref name="sign"/>.</summary>
    static abstract TSelf CopySign(TSelf a, TSelf sign);

    /// <summary>A mask: all bits set where a &lt; b.</summary>
    static abstract TSelf LessThan(TSelf a, TSelf b);

    /// <summary>A mask: all bits set where a &lt;= b.</summary>
    static abstract TSelf LessThanOrEqual(TSelf a, TSelf b);

    /// <summary>A mask: all bits set where a = b.</summary>
    static abstract TSelf Equal(TSelf a, TSelf b);

    /// <summary><paramref name="a"/> where the mask is set, else <paramref name="b"/>.</summary>
    static abstract TSelf Select(TSelf mask, TSelf a, TSelf b);

    /// <summary>Bit i is set where value i of a mask is.</summary>
    static abstract ulong MaskBits(TSelf mask);

    /// <summary>The sum of all values, in a fixed order.</summary>
    T Sum();

    /// <summary>The sum of all values in float64, in a fixed order.</summary>
    double SumWide();

    /// <summary>The largest value; NaN if there is one.</summary>
    T MaxAcross();

    /// <summary>Adds the values to <c>target[0 .. Count - 1]</c> in float64.</summary>
    void AddTo(double* target);

    /// <summary>a * 2^n for a whole number n in -252 .. 254, rounded once. For float only.</summary>
    static abstract TSelf ScaleByPowerOfTwo(TSelf a, TSelf n);

    /// <summary>Splits a positive normal number into m * 2^e with m in [2/3, 4/3). For float only.</summary>
    static abstract TSelf SplitExponent(TSelf a, out TSelf mantissa);

    /// <summary>Applies a scalar function to every value. For double only.</summary>
    static abstract TSelf Map(TSelf a, delegate*<double, double> function);
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>256 bits: AVX2 with FMA.</summary>
internal readonly unsafe struct Simd256<T>(Vector256<T> value) : ISimd<Simd256<T>, T>
    where T : unmanaged
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector256<T> _value = value;

    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector256<T>.Count;
    }

    public static Simd256<T> Zero
    {
        [MethodImpl(Inline)]
        get => new(Vector256<T>.Zero);
    }

    [MethodImpl(Inline)]
    public static Simd256<T> operator +(Simd256<T> left, Simd256<T> right) => new(left._value + right._value);

    [MethodImpl(Inline)]
    public static Simd256<T> operator -(Simd256<T> left, Simd256<T> right) => new(left._value - right._value);

    [MethodImpl(Inline)]
    public static Simd256<T> operator *(Simd256<T> left, Simd256<T> right) => new(left._value * right._value);

    [MethodImpl(Inline)]
    public static Simd256<T> operator /(Simd256<T> left, Simd256<T> right) => new(left._value / right._value);

    [MethodImpl(Inline)]
    public static Simd256<T> operator -(Simd256<T> value) => new(-value._value);

    [MethodImpl(Inline)]
    public static Simd256<T> Create(T value) => new(Vector256.Create(value));

    [MethodImpl(Inline)]
    public static Simd256<T> Constant(double value) => typeof(T) == typeof(float)
        ? new(Vector256.Create((float)value).As<float, T>())
        : new(Vector256.Create(value).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd256<T> Load(T* source) => new(Vector256.Load(source));

    [MethodImpl(Inline)]
    public static Simd256<T> LoadPartial(T* source, long count) => LoadPartial(source, count, Zero);

    [MethodImpl(Inline)]
    public static Simd256<T> LoadPartial(T* source, long count, Simd256<T> fill)
    {
        var first = First(count);
        var read = typeof(T) == typeof(float)
            ? Avx.MaskLoad((float*)source, first.AsSingle()).As<float, T>()
            : Avx.MaskLoad((double*)source, first.AsDouble()).As<double, T>();
        return new(Vector256.ConditionalSelect(first, read, fill._value));
    }

    [MethodImpl(Inline)]
    public static Simd256<T> Keep(Simd256<T> value, long count) => new(value._value & First(count));

    [MethodImpl(Inline)]
    public void StorePartial(T* target, long count)
    {
        if (typeof(T) == typeof(float))
            Avx.MaskStore((float*)target, First(count).AsSingle(), Singles);
        else
            Avx.MaskStore((double*)target, First(count).AsDouble(), Doubles);
    }

    // All bits set in the first count values.
    [MethodImpl(Inline)]
    private static Vector256<T> First(long count) => typeof(T) == typeof(float)
        ? Vector256.LessThan(Vector256<int>.Indices, Vector256.Create((int)count)).As<int, T>()
        : Vector256.LessThan(Vector256<long>.Indices, Vector256.Create(count)).As<long, T>();

    [MethodImpl(Inline)]
    public void Store(T* target) => _value.Store(target);

    [MethodImpl(Inline)]
    public static Simd256<T> MultiplyAdd(Simd256<T> a, Simd256<T> b, Simd256<T> c) => typeof(T) == typeof(float)
        ? new(Vector256.MultiplyAddEstimate(a.Singles, b.Singles, c.Singles).As<float, T>())
        : new(Vector256.MultiplyAddEstimate(a.Doubles, b.Doubles, c.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd256<T> Max(Simd256<T> a, Simd256<T> b) => new(Vector256.Max(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> Min(Simd256<T> a, Simd256<T> b) => new(Vector256.Min(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> MaxNative(Simd256<T> a, Simd256<T> b) => new(Vector256.MaxNative(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> MinNative(Simd256<T> a, Simd256<T> b) => new(Vector256.MinNative(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> Abs(Simd256<T> a) => new(Vector256.Abs(a._value));

    [MethodImpl(Inline)]
    public static Simd256<T> Sqrt(Simd256<T> a) => new(Vector256.Sqrt(a._value));

    [MethodImpl(Inline)]
    public static Simd256<T> Round(Simd256<T> a) => typeof(T) == typeof(float)
        ? new(Vector256.Round(a.Singles).As<float, T>())
        : new(Vector256.Round(a.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd256<T> CopySign(Simd256<T> a, Simd256<T> sign) => new(Vector256.CopySign(a._value, sign._value));

    [MethodImpl(Inline)]
    public static Simd256<T> LessThan(Simd256<T> a, Simd256<T> b) => new(Vector256.LessThan(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> LessThanOrEqual(Simd256<T> a, Simd256<T> b) =>
        new(Vector256.LessThanOrEqual(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> Equal(Simd256<T> a, Simd256<T> b) => new(Vector256.Equals(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd256<T> Select(Simd256<T> mask, Simd256<T> a, Simd256<T> b) =>
        new(Vector256.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(Inline)]
    public static ulong MaskBits(Simd256<T> mask) => Vector256.ExtractMostSignificantBits(mask._value);

    [MethodImpl(Inline)]
    public T Sum() => Vector256.Sum(_value);

    [MethodImpl(Inline)]
    public double SumWide()
    {
        if (typeof(T) == typeof(double))
            return Vector256.Sum(Doubles);
        var (low, high) = Vector256.Widen(Singles);
        return Vector256.Sum(low + high);
    }

    [MethodImpl(Inline)]
    public T MaxAcross()
    {
        var half = new Simd128<T>(Vector128.Max(_value.GetLower(), _value.GetUpper()));
        return half.MaxAcross();
    }

    [MethodImpl(Inline)]
    public void AddTo(double* target)
    {
        if (typeof(T) == typeof(double))
        {
            (Vector256.Load(target) + Doubles).Store(target);
            return;
        }

        var (low, high) = Vector256.Widen(Singles);
        (Vector256.Load(target) + low).Store(target);
        (Vector256.Load(target + Vector256<double>.Count) + high).Store(target + Vector256<double>.Count);
    }

    [MethodImpl(Inline)]
    public static Simd256<T> ScaleByPowerOfTwo(Simd256<T> a, Simd256<T> n)
    {
        // Two exact factors, so that a subnormal result is rounded once and 2^128 does not overflow on its way.
        var whole = Vector256.ConvertToInt32Native(n.Singles);
        var half = whole >> 1;
        var bias = Vector256.Create(127);
        var first = ((half + bias) << 23).AsSingle();
        var second = ((whole - half + bias) << 23).AsSingle();
        return new((a.Singles * first * second).As<float, T>());
    }

    [MethodImpl(Inline)]
    public static Simd256<T> SplitExponent(Simd256<T> a, out Simd256<T> mantissa)
    {
        var bits = a._value.AsInt32();
        var exponent = (bits - Vector256.Create(0x3F2AAAAB)) >> 23; // 0x3F2AAAAB is 2/3
        mantissa = new((bits - (exponent << 23)).As<int, T>());
        return new(Vector256.ConvertToSingle(exponent).As<float, T>());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Simd256<T> Map(Simd256<T> a, delegate*<double, double> function)
    {
        var values = a.Doubles;
        for (var i = 0; i < Vector256<double>.Count; i++)
            values = values.WithElement(i, function(values.GetElement(i)));
        return new(values.As<double, T>());
    }

    private Vector256<float> Singles
    {
        [MethodImpl(Inline)]
        get => _value.AsSingle();
    }

    private Vector256<double> Doubles
    {
        [MethodImpl(Inline)]
        get => _value.AsDouble();
    }
}

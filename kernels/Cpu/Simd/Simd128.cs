using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EscNative.Kernels.Cpu;

/// <summary>128 bits: SSE, NEON, or emulated where a machine has neither.</summary>
internal readonly unsafe struct Simd128<T>(Vector128<T> value) : ISimd<Simd128<T>, T>
    where T : unmanaged
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector128<T> _value = value;

    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector128<T>.Count;
    }

    public static Simd128<T> Zero
    {
        [MethodImpl(Inline)]
        get => new(Vector128<T>.Zero);
    }

    [MethodImpl(Inline)]
    public static Simd128<T> operator +(Simd128<T> left, Simd128<T> right) => new(left._value + right._value);

    [MethodImpl(Inline)]
    public static Simd128<T> operator -(Simd128<T> left, Simd128<T> right) => new(left._value - right._value);

    [MethodImpl(Inline)]
    public static Simd128<T> operator *(Simd128<T> left, Simd128<T> right) => new(left._value * right._value);

    [MethodImpl(Inline)]
    public static Simd128<T> operator /(Simd128<T> left, Simd128<T> right) => new(left._value / right._value);

    [MethodImpl(Inline)]
    public static Simd128<T> operator -(Simd128<T> value) => new(-value._value);

    [MethodImpl(Inline)]
    public static Simd128<T> Create(T value) => new(Vector128.Create(value));

    [MethodImpl(Inline)]
    public static Simd128<T> Constant(double value) => typeof(T) == typeof(float)
        ? new(Vector128.Create((float)value).As<float, T>())
        : new(Vector128.Create(value).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd128<T> Load(T* source) => new(Vector128.Load(source));

    [MethodImpl(Inline)]
    public static Simd128<T> LoadPartial(T* source, long count) => LoadPartial(source, count, Zero);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Simd128<T> LoadPartial(T* source, long count, Simd128<T> fill)
    {
        var value = fill._value;
        for (var i = 0; i < count; i++)
            value = value.WithElement(i, source[i]);
        return new(value);
    }

    [MethodImpl(Inline)]
    public static Simd128<T> Keep(Simd128<T> value, long count) => typeof(T) == typeof(float)
        ? new(value._value & Vector128.LessThan(Vector128<int>.Indices, Vector128.Create((int)count)).As<int, T>())
        : new(value._value & Vector128.LessThan(Vector128<long>.Indices, Vector128.Create(count)).As<long, T>());

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void StorePartial(T* target, long count)
    {
        for (var i = 0; i < count; i++)
            target[i] = _value.GetElement(i);
    }

    [MethodImpl(Inline)]
    public void Store(T* target) => _value.Store(target);

    [MethodImpl(Inline)]
    public static Simd128<T> MultiplyAdd(Simd128<T> a, Simd128<T> b, Simd128<T> c) => typeof(T) == typeof(float)
        ? new(Vector128.MultiplyAddEstimate(a.Singles, b.Singles, c.Singles).As<float, T>())
        : new(Vector128.MultiplyAddEstimate(a.Doubles, b.Doubles, c.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd128<T> Max(Simd128<T> a, Simd128<T> b) => new(Vector128.Max(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> Min(Simd128<T> a, Simd128<T> b) => new(Vector128.Min(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> MaxNative(Simd128<T> a, Simd128<T> b) => new(Vector128.MaxNative(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> MinNative(Simd128<T> a, Simd128<T> b) => new(Vector128.MinNative(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> Abs(Simd128<T> a) => new(Vector128.Abs(a._value));

    [MethodImpl(Inline)]
    public static Simd128<T> Sqrt(Simd128<T> a) => new(Vector128.Sqrt(a._value));

    [MethodImpl(Inline)]
    public static Simd128<T> Round(Simd128<T> a) => typeof(T) == typeof(float)
        ? new(Vector128.Round(a.Singles).As<float, T>())
        : new(Vector128.Round(a.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd128<T> CopySign(Simd128<T> a, Simd128<T> sign) => new(Vector128.CopySign(a._value, sign._value));

    [MethodImpl(Inline)]
    public static Simd128<T> LessThan(Simd128<T> a, Simd128<T> b) => new(Vector128.LessThan(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> LessThanOrEqual(Simd128<T> a, Simd128<T> b) =>
        new(Vector128.LessThanOrEqual(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> Equal(Simd128<T> a, Simd128<T> b) => new(Vector128.Equals(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd128<T> Select(Simd128<T> mask, Simd128<T> a, Simd128<T> b) =>
        new(Vector128.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(Inline)]
    public static ulong MaskBits(Simd128<T> mask) => Vector128.ExtractMostSignificantBits(mask._value);

    [MethodImpl(Inline)]
    public T Sum() => Vector128.Sum(_value);

    [MethodImpl(Inline)]
    public double SumWide()
    {
        if (typeof(T) == typeof(double))
            return Vector128.Sum(Doubles);
        var (low, high) = Vector128.Widen(Singles);
        return Vector128.Sum(low + high);
    }

    [MethodImpl(Inline)]
    public T MaxAcross()
    {
        if (typeof(T) == typeof(float))
        {
            var halves = Vector128.Max(Singles, Vector128.Shuffle(Singles, Vector128.Create(2, 3, 0, 1)));
            return Vector128.Max(halves, Vector128.Shuffle(halves, Vector128.Create(1, 0, 3, 2))).As<float, T>().ToScalar();
        }

        return Vector128.Max(Doubles, Vector128.Shuffle(Doubles, Vector128.Create(1L, 0L))).As<double, T>().ToScalar();
    }

    [MethodImpl(Inline)]
    public void AddTo(double* target)
    {
        if (typeof(T) == typeof(double))
        {
            (Vector128.Load(target) + Doubles).Store(target);
            return;
        }

        var (low, high) = Vector128.Widen(Singles);
        (Vector128.Load(target) + low).Store(target);
        (Vector128.Load(target + Vector128<double>.Count) + high).Store(target + Vector128<double>.Count);
    }

    [MethodImpl(Inline)]
    public static Simd128<T> ScaleByPowerOfTwo(Simd128<T> a, Simd128<T> n)
    {
        // Two exact factors, so that a subnormal result is rounded once and 2^128 does not overflow on its way.
        var whole = Vector128.ConvertToInt32Native(n.Singles);
        var half = whole >> 1;
        var bias = Vector128.Create(127);
        var first = ((half + bias) << 23).AsSingle();
        var second = ((whole - half + bias) << 23).AsSingle();
        return new((a.Singles * first * second).As<float, T>());
    }

    [MethodImpl(Inline)]
    public static Simd128<T> SplitExponent(Simd128<T> a, out Simd128<T> mantissa)
    {
        var bits = a._value.AsInt32();
        var exponent = (bits - Vector128.Create(0x3F2AAAAB)) >> 23; // 0x3F2AAAAB is 2/3
        mantissa = new((bits - (exponent << 23)).As<int, T>());
        return new(Vector128.ConvertToSingle(exponent).As<float, T>());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Simd128<T> Map(Simd128<T> a, delegate*<double, double> function)
    {
        var values = a.Doubles;
        for (var i = 0; i < Vector128<double>.Count; i++)
            values = values.WithElement(i, function(values.GetElement(i)));
        return new(values.As<double, T>());
    }

    private Vector128<float> Singles
    {
        [MethodImpl(Inline)]
        get => _value.AsSingle();
    }

    private Vector128<double> Doubles
    {
        [MethodImpl(Inline)]
        get => _value.AsDouble();
    }
}

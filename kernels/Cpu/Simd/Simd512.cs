using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>512 bits: AVX-512.</summary>
internal readonly unsafe struct Simd512<T>(Vector512<T> value) : ISimd<Simd512<T>, T>
    where T : unmanaged
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector512<T> _value = value;

    public static int Count
    {
        [MethodImpl(Inline)]
        get => Vector512<T>.Count;
    }

    public static Simd512<T> Zero
    {
        [MethodImpl(Inline)]
        get => new(Vector512<T>.Zero);
    }

    [MethodImpl(Inline)]
    public static Simd512<T> operator +(Simd512<T> left, Simd512<T> right) => new(left._value + right._value);

    [MethodImpl(Inline)]
    public static Simd512<T> operator -(Simd512<T> left, Simd512<T> right) => new(left._value - right._value);

    [MethodImpl(Inline)]
    public static Simd512<T> operator *(Simd512<T> left, Simd512<T> right) => new(left._value * right._value);

    [MethodImpl(Inline)]
    public static Simd512<T> operator /(Simd512<T> left, Simd512<T> right) => new(left._value / right._value);

    [MethodImpl(Inline)]
    public static Simd512<T> operator -(Simd512<T> value) => new(-value._value);

    [MethodImpl(Inline)]
    public static Simd512<T> Create(T value) => new(Vector512.Create(value));

    [MethodImpl(Inline)]
    public static Simd512<T> Constant(double value) => typeof(T) == typeof(float)
        ? new(Vector512.Create((float)value).As<float, T>())
        : new(Vector512.Create(value).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd512<T> Load(T* source) => new(Vector512.Load(source));

    [MethodImpl(Inline)]
    public static Simd512<T> LoadPartial(T* source, long count) => LoadPartial(source, count, Zero);

    [MethodImpl(Inline)]
    public static Simd512<T> LoadPartial(T* source, long count, Simd512<T> fill) => typeof(T) == typeof(float)
        ? new(Avx512F.MaskLoad((float*)source, First(count).AsSingle(), fill.Singles).As<float, T>())
        : new(Avx512F.MaskLoad((double*)source, First(count).AsDouble(), fill.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd512<T> Keep(Simd512<T> value, long count) => new(value._value & First(count));

    [MethodImpl(Inline)]
    public void StorePartial(T* target, long count)
    {
        if (typeof(T) == typeof(float))
            Avx512F.MaskStore((float*)target, First(count).AsSingle(), Singles);
        else
            Avx512F.MaskStore((double*)target, First(count).AsDouble(), Doubles);
    }

    // All bits set in the first count values.
    [MethodImpl(Inline)]
    private static Vector512<T> First(long count) => typeof(T) == typeof(float)
        ? Vector512.LessThan(Vector512<int>.Indices, Vector512.Create((int)count)).As<int, T>()
        : Vector512.LessThan(Vector512<long>.Indices, Vector512.Create(count)).As<long, T>();

    [MethodImpl(Inline)]
    public void Store(T* target) => _value.Store(target);

    [MethodImpl(Inline)]
    public static Simd512<T> MultiplyAdd(Simd512<T> a, Simd512<T> b, Simd512<T> c) => typeof(T) == typeof(float)
        ? new(Vector512.MultiplyAddEstimate(a.Singles, b.Singles, c.Singles).As<float, T>())
        : new(Vector512.MultiplyAddEstimate(a.Doubles, b.Doubles, c.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd512<T> Max(Simd512<T> a, Simd512<T> b) => new(Vector512.Max(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> Min(Simd512<T> a, Simd512<T> b) => new(Vector512.Min(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> MaxNative(Simd512<T> a, Simd512<T> b) => new(Vector512.MaxNative(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> MinNative(Simd512<T> a, Simd512<T> b) => new(Vector512.MinNative(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> Abs(Simd512<T> a) => new(Vector512.Abs(a._value));

    [MethodImpl(Inline)]
    public static Simd512<T> Sqrt(Simd512<T> a) => new(Vector512.Sqrt(a._value));

    [MethodImpl(Inline)]
    public static Simd512<T> Round(Simd512<T> a) => typeof(T) == typeof(float)
        ? new(Vector512.Round(a.Singles).As<float, T>())
        : new(Vector512.Round(a.Doubles).As<double, T>());

    [MethodImpl(Inline)]
    public static Simd512<T> CopySign(Simd512<T> a, Simd512<T> sign) => new(Vector512.CopySign(a._value, sign._value));

    [MethodImpl(Inline)]
    public static Simd512<T> LessThan(Simd512<T> a, Simd512<T> b) => new(Vector512.LessThan(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> LessThanOrEqual(Simd512<T> a, Simd512<T> b) =>
        new(Vector512.LessThanOrEqual(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> Equal(Simd512<T> a, Simd512<T> b) => new(Vector512.Equals(a._value, b._value));

    [MethodImpl(Inline)]
    public static Simd512<T> Select(Simd512<T> mask, Simd512<T> a, Simd512<T> b) =>
        new(Vector512.ConditionalSelect(mask._value, a._value, b._value));

    [MethodImpl(Inline)]
    public static ulong MaskBits(Simd512<T> mask) => Vector512.ExtractMostSignificantBits(mask._value);

    [MethodImpl(Inline)]
    public T Sum() => Vector512.Sum(_value);

    [MethodImpl(Inline)]
    public double SumWide()
    {
        if (typeof(T) == typeof(double))
            return Vector512.Sum(Doubles);
        var (low, high) = Vector512.Widen(Singles);
        return Vector512.Sum(low + high);
    }

    [MethodImpl(Inline)]
    public T MaxAcross()
    {
        var half = new Simd256<T>(Vector256.Max(_value.GetLower(), _value.GetUpper()));
        return half.MaxAcross();
    }

    [MethodImpl(Inline)]
    public void AddTo(double* target)
    {
        if (typeof(T) == typeof(double))
        {
            (Vector512.Load(target) + Doubles).Store(target);
            return;
        }

        var (low, high) = Vector512.Widen(Singles);
        (Vector512.Load(target) + low).Store(target);
        (Vector512.Load(target + Vector512<double>.Count) + high).Store(target + Vector512<double>.Count);
    }

    [MethodImpl(Inline)]
    public static Simd512<T> ScaleByPowerOfTwo(Simd512<T> a, Simd512<T> n)
    {
        return new(Avx512F.Scale(a.Singles, n.Singles).As<float, T>());
    }

    [MethodImpl(Inline)]
    public static Simd512<T> SplitExponent(Simd512<T> a, out Simd512<T> mantissa)
    {
        var bits = a._value.AsInt32();
        var exponent = (bits - Vector512.Create(0x3F2AAAAB)) >> 23; // 0x3F2AAAAB is 2/3
        mantissa = new((bits - (exponent << 23)).As<int, T>());
        return new(Vector512.ConvertToSingle(exponent).As<float, T>());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Simd512<T> Map(Simd512<T> a, delegate*<double, double> function)
    {
        var values = a.Doubles;
        for (var i = 0; i < Vector512<double>.Count; i++)
            values = values.WithElement(i, function(values.GetElement(i)));
        return new(values.As<double, T>());
    }

    private Vector512<float> Singles
    {
        [MethodImpl(Inline)]
        get => _value.AsSingle();
    }

    private Vector512<double> Doubles
    {
        [MethodImpl(Inline)]
        get => _value.AsDouble();
    }
}

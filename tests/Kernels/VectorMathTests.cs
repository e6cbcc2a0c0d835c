using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>The SIMD functions at every register width against <see cref="Math"/> in double.</summary>
public sealed unsafe class VectorMathTests
{
    public delegate void Kernel(float* x, float* y, int n);

    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (var name in (string[])["exp", "log", "tanh", "sigmoid", "erf"])
        {
            foreach (var bits in (int[])[128, 256, 512])
                cases.Add(name, bits);
        }

        return cases;
    }

    // Every 499th float of all 2^32, so every exponent of both signs with 17,000 significands each.
    // Bounds in units of the last place: the largest error measured with FMA / without, and a little air.
    [Theory]
    [MemberData(nameof(Cases))]
    public void Errors_stay_below_the_stated_ulps(string name, int bits)
    {
        var kernel = Width(name, bits);
        Func<double, double> exact = name switch
        {
            "exp" => Math.Exp,
            "log" => Math.Log,
            "tanh" => Math.Tanh,
            "sigmoid" => x => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x)),
            _ => ErrorFunction.Erf,
        };
        var bound = name switch { "exp" => 1.05, "log" => 1.15, "tanh" => 1.4, "sigmoid" => 2.3, _ => 1.15 };
        var x = stackalloc float[16];
        var y = stackalloc float[16];
        var worst = 0.0;
        var where = 0f;
        for (var pattern = 0L; pattern < 1L << 32; pattern += 499 * 16)
        {
            for (var i = 0; i < 16; i++)
                x[i] = BitConverter.UInt32BitsToSingle((uint)(pattern + 499 * i));
            kernel(x, y, 16);
            for (var i = 0; i < 16; i++)
            {
                var error = UlpError(exact(x[i]), y[i]);
                if (error > worst)
                    (worst, where) = (error, x[i]);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name} {bits}: {worst:F3} ulp at {where:R}");
        Assert.True(worst <= bound, $"{name} at {bits} bits: {worst:F3} ulp at {where:R}, wants {bound}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Special_values_are_right(string name, int bits)
    {
        const float Inf = float.PositiveInfinity;
        const float Nan = float.NaN;
        float[] x = [0f, -0f, Inf, -Inf, Nan, float.Epsilon, -1f, float.MaxValue, float.MinValue];
        float[] wanted = name switch
        {
            "exp" => [1, 1, Inf, 0, Nan, 1, 0.36787945f, Inf, 0],
            "log" => [-Inf, -Inf, Inf, Nan, Nan, -103.27893f, Nan, 88.72284f, Nan],
            "tanh" => [0, -0f, 1, -1, Nan, float.Epsilon, -0.7615942f, 1, -1],
            "sigmoid" => [0.5f, 0.5f, 1, 0, Nan, 0.5f, 0.26894143f, 1, 0],
            _ => [0, -0f, 1, -1, Nan, float.Epsilon, -0.8427008f, 1, -1],
        };
        var kernel = Width(name, bits);
        var y = new float[x.Length];
        fixed (float* px = x)
        fixed (float* py = y)
            kernel(px, py, x.Length);
        for (var i = 0; i < x.Length; i++)
        {
            var close = float.IsNaN(wanted[i]) ? float.IsNaN(y[i])
                : y[i] == wanted[i] || Math.Abs(y[i] - wanted[i]) < 2e-7 * Math.Abs(wanted[i]);
            Assert.True(close, $"{name}({x[i]}) at {bits} bits: got {y[i]}, wanted {wanted[i]}");
        }
    }

    [Fact]
    public void Erf_in_double_equals_the_tables()
    {
        // Abramowitz and Stegun, table 7.1 (10 digits) and further digits of the C library.
        (double X, double Erf)[] table =
        [
            (0, 0), (0.1, 0.1124629160182849), (0.5, 0.5204998778130465), (1, 0.8427007929497149), (1.5, 0.9661051464753108),
            (2, 0.9953222650189527), (2.5, 0.999593047982555), (3, 0.9999779095030014), (4, 0.9999999845827421), (6, 1), (40, 1),
        ];
        foreach (var (x, erf) in table)
        {
            Assert.Equal(erf, ErrorFunction.Erf(x), 4e-16);
            Assert.Equal(-erf, ErrorFunction.Erf(-x), 4e-16);
        }
    }

    private static double UlpError(double exact, float got)
    {
        if (double.IsNaN(exact))
            return float.IsNaN(got) ? 0 : double.PositiveInfinity;
        var rounded = (float)exact;
        if (rounded == got)
            return got == 0 || float.IsInfinity(got) ? 0 : Math.Abs(got - exact) / Ulp(rounded);
        if (float.IsInfinity(rounded))
            rounded = Math.Sign(exact) * float.MaxValue;
        return Math.Abs(got - exact) / Ulp(rounded);
    }

    private static double Ulp(float value)
    {
        var magnitude = Math.Abs(value);
        return magnitude < float.MaxValue
            ? (double)MathF.BitIncrement(magnitude) - magnitude
            : (double)magnitude - MathF.BitDecrement(magnitude);
    }

    private static Kernel Width(string name, int bits)
    {
        switch (bits)
        {
            case 512:
                Assert.SkipUnless(Vector512.IsHardwareAccelerated, "no 512-bit registers");
                return Function<Simd512<float>>(name);
            case 256:
                Assert.SkipUnless(Vector256.IsHardwareAccelerated && Fma.IsSupported, "no 256-bit registers with FMA");
                return Function<Simd256<float>>(name);
            default:
                return Function<Simd128<float>>(name);
        }
    }

    private static Kernel Function<V>(string name)
        where V : unmanaged, ISimd<V, float> => name switch
        {
            "exp" => (x, y, n) => Each<V>(x, y, n, &VectorMath.Exp<V, float>),
            "log" => (x, y, n) => Each<V>(x, y, n, &VectorMath.Log<V, float>),
            "tanh" => (x, y, n) => Each<V>(x, y, n, &VectorMath.Tanh<V, float>),
            "sigmoid" => (x, y, n) => Each<V>(x, y, n, &VectorMath.Sigmoid<V, float>),
            _ => (x, y, n) => Each<V>(x, y, n, &VectorMath.Erf<V, float>),
        };

    private static void Each<V>(float* x, float* y, int n, delegate*<V, V> function)
        where V : unmanaged, ISimd<V, float>
    {
        for (var i = 0; i < n; i += V.Count)
        {
            if (n - i >= V.Count)
                function(V.Load(x + i)).Store(y + i);
            else
                function(V.LoadPartial(x + i, n - i)).StorePartial(y + i, n - i);
        }
    }
}

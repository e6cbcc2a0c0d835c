using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Filling, strided copies and conversions: bits, not tolerances.</summary>
public sealed class CopyKernelTests
{
    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Fill_sets_every_value_and_no_more(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new CopyKernels(machine.Context);
        foreach (var size in (int[])[1, 2, 4, 8])
        {
            foreach (var n in (int[])[1, 7, 1025])
            {
                var y = machine.Allocate<byte>(n * size);
                kernels.Fill(size, 0x8877665544332211, y, n);
                var pattern = BitConverter.GetBytes(0x8877665544332211).AsSpan(0, size).ToArray();
                Assert.Equal(Enumerable.Repeat(pattern, n).SelectMany(b => b), machine.Download<byte>(y, n * size));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_strided_copy_moves_bits(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new CopyKernels(machine.Context);
        var random = new Random(21);
        // Shape, strides of the source, strides of the target: transposed, sliced, repeated, six dimensions that do not merge.
        (long[] Shape, long[] From, long[] To)[] cases =
        [
            ([5, 7], [1, 5], [7, 1]),
            ([4, 3], [12, 2], [3, 1]),
            ([6, 50], [0, 1], [50, 1]),
            ([33, 40], [40, 1], [1, 33]),
            ([2, 3, 2, 3, 2, 3], [1, 2, 6, 12, 36, 72], [108, 36, 18, 6, 3, 1]),
            ([1], [0], [0]),
        ];
        foreach (var (shape, from, to) in cases)
        {
            var n = shape.Aggregate(1L, (a, b) => a * b);
            foreach (var size in (int[])[1, 2, 4, 8])
            {
                var x = new byte[(1 + shape.Zip(from, (e, s) => (e - 1) * s).Sum()) * size];
                random.NextBytes(x);
                var (px, py) = (machine.Upload<byte>(x), machine.Allocate<byte>(n * size));
                kernels.Copy(size, px, py, n, Broadcast.Of(shape, from, to));
                var wanted = new byte[n * size];
                for (var i = 0L; i < n; i++)
                {
                    long rest = i, source = 0, target = 0;
                    for (var k = shape.Length - 1; k >= 0; k--)
                    {
                        source += rest % shape[k] * from[k];
                        target += rest % shape[k] * to[k];
                        rest /= shape[k];
                    }

                    Array.Copy(x, source * size, wanted, target * size, size);
                }

                Assert.Equal(wanted, machine.Download<byte>(py, n * size));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Conversions_equal_those_of_the_CPU_bit_for_bit(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new CopyKernels(machine.Context);
        var random = new Random(22);
        var doubles = DeviceValues.Random(random, 1000, -300, 300)
            .Concat([0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 254.5, 255.5, -1e10, 1e10, 2147483647, -2147483648, 1e300, -1e300, 1e-320, 3e-40])
            .Concat([double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            // Just beside the middle between two bfloat16, where rounding to float32 first goes wrong.
            .Concat([1.00390625, 1.00390625 + 1e-12, 1.00390625 - 1e-12, -1.01171875 - 1e-12, -1.01171875 + 1e-12])
            .ToArray();
        var integers = doubles.Select(v => double.IsNaN(v) ? 3 : (int)Math.Clamp(v * 1e5, int.MinValue, int.MaxValue)).Concat([16777217, 8421377]).ToArray();
        From(DType.F32, Array.ConvertAll(doubles, v => (float)v));
        From(DType.BF16, Array.ConvertAll(doubles, BFloat16.Round));
        From(DType.F64, doubles);
        From(DType.I32, integers);
        From(DType.U8, Enumerable.Range(0, 256).Select(v => (byte)v).ToArray());

        void From<TFrom>(DType from, TFrom[] x)
            where TFrom : unmanaged
        {
            To<TFrom, float>(from, DType.F32, x);
            To<TFrom, BFloat16>(from, DType.BF16, x);
            To<TFrom, double>(from, DType.F64, x);
            To<TFrom, int>(from, DType.I32, x);
            To<TFrom, byte>(from, DType.U8, x);
        }

        unsafe void To<TFrom, TTo>(DType from, DType to, TFrom[] x)
            where TFrom : unmanaged
            where TTo : unmanaged
        {
            var wanted = new TTo[x.Length];
            fixed (TFrom* source = x)
            fixed (TTo* target = wanted)
                Conversion.Convert(source, target, x.Length);
            var (px, py) = (machine.Upload<TFrom>(x), machine.Allocate<TTo>(x.Length));
            kernels.Convert(from, to, px, py, x.Length);
            var got = machine.Download<TTo>(py, x.Length);
            for (var i = 0; i < x.Length; i++)
            {
                // A NaN is a NaN whatever its bits.
                var equal = DeviceValues.Bytes([wanted[i]]).AsSpan().SequenceEqual(DeviceValues.Bytes([got[i]]))
                    || (IsNaN(wanted[i]) && IsNaN(got[i]));
                Assert.True(equal, $"{typeof(TFrom).Name} {x[i]} to {typeof(TTo).Name}: got {got[i]}, wanted {wanted[i]}");
            }
        }

        static bool IsNaN<T>(T value) => value switch
        {
            float f => float.IsNaN(f),
            double d => double.IsNaN(d),
            BFloat16 b => float.IsNaN(b.ToSingle()),
            _ => false,
        };
    }
}

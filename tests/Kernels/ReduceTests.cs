using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

[Collection(CpuThreads.Collection)]
public sealed unsafe class ReduceTests
{
    public static TheoryData<long, long, long> Views() => new()
    {
        { 1, 1, 1 }, { 1, 2, 1 }, { 3, 15, 1 }, { 3, 16, 1 }, { 2, 17, 1 }, { 5, 33, 1 }, { 700, 10, 1 }, { 2, 5000, 1 },
        { 1, 400_001, 1 }, { 1, 1000, 7 }, { 1, 30_000, 48 }, { 1, 3000, 601 }, { 4, 9, 5 }, { 2, 1, 33 }, { 1, 65, 1025 },
        { 900, 16, 96 }, { 1, 3, 20_000 }, { 0, 4, 3 }, { 2, 4, 0 }, { 2, 0, 3 },
    };

    [Theory]
    [MemberData(nameof(Views))]
    public void Folds_equal_the_oracle(long outer, long extent, long inner)
    {
        var values = new Values();
        var x = values.Floats(outer * extent * inner, 1, 0.5);
        using var input = new GuardedBuffer<float>(x);
        using var wideInput = new GuardedBuffer<double>(Values.Wide(x));
        using var output = new GuardedBuffer<float>(outer * inner);
        using var wideOutput = new GuardedBuffer<double>(outer * inner);
        foreach (var op in Enum.GetValues<ReduceOp>())
        {
            var wanted = Oracle(op, x, outer, extent, inner);
            Reduce.Along(op, input.Pointer, output.Pointer, outer, extent, inner);
            output.AssertIntact();
            // Blocks of 64 values a lane are added in float32: error <= 64 roundings of the block's sum, about 1.2 extent in
            // all; chance makes it their root. 8 roundings of the sum of the magnitudes is far above that.
            values.AssertClose(wanted, output.Span, 8 * 6e-8 * (op == ReduceOp.Sum ? 1.2 * extent : 1.2) + 1e-30, 6e-8);
            Reduce.Along(op, wideInput.Pointer, wideOutput.Pointer, outer, extent, inner);
            wideOutput.AssertIntact();
            values.AssertClose(wanted, wideOutput.Span, 1e-15 * (extent + 1), 1e-15);
        }
    }

    [Theory]
    [MemberData(nameof(Views))]
    public void ArgMax_finds_the_first_of_equals_and_its_gradient_goes_there(long outer, long extent, long inner)
    {
        if (extent == 0)
            return;
        // Few different values, so that ties are everywhere.
        var values = new Values();
        var x = Array.ConvertAll(values.Ints(outer * extent * inner, 7), v => (float)v);
        var wanted = new int[outer * inner];
        for (var o = 0L; o < outer; o++)
        {
            for (var i = 0L; i < inner; i++)
            {
                for (var e = 1; e < extent; e++)
                {
                    if (x[(o * extent + e) * inner + i] > x[(o * extent + wanted[o * inner + i]) * inner + i])
                        wanted[o * inner + i] = e;
                }
            }
        }

        using var input = new GuardedBuffer<float>(x);
        using var index = new GuardedBuffer<int>(outer * inner);
        Reduce.ArgMax(input.Pointer, index.Pointer, outer, extent, inner);
        index.AssertIntact();
        Assert.Equal(wanted, index.Span);

        using var wide = new GuardedBuffer<double>(Values.Wide(x));
        Reduce.ArgMax(wide.Pointer, index.Pointer, outer, extent, inner);
        Assert.Equal(wanted, index.Span);

        var dy = values.Floats(outer * inner);
        using var gradient = new GuardedBuffer<float>(dy);
        using var dx = new GuardedBuffer<float>(x.Length);
        Reduce.Scatter(gradient.Pointer, index.Pointer, dx.Pointer, outer, extent, inner);
        dx.AssertIntact();
        var wantedDx = new float[x.Length];
        for (var o = 0L; o < outer; o++)
        {
            for (var i = 0L; i < inner; i++)
                wantedDx[(o * extent + wanted[o * inner + i]) * inner + i] = dy[o * inner + i];
        }

        Assert.Equal(wantedDx, dx.Span);
    }

    [Fact]
    public void Nan_is_the_maximum_and_the_first_one_is_found()
    {
        var y = stackalloc float[3];
        var index = stackalloc int[3];
        for (var inner = 1; inner <= 3; inner += 2)
        {
            var x = new float[40 * inner];
            for (var i = 0; i < inner; i++)
                x[23 * inner + i] = x[31 * inner + i] = float.NaN;
            fixed (float* p = x)
            {
                Reduce.Along(ReduceOp.Max, p, y, 1, 40, inner);
                Reduce.ArgMax(p, index, 1, 40, inner);
            }

            for (var i = 0; i < inner; i++)
                Assert.True(float.IsNaN(y[i]) && index[i] == 23);
        }
    }

    // 16 million times 0.1f: a plain float32 sum is off by 20 %.
    [Fact]
    public void A_long_sum_keeps_its_digits()
    {
        const int N = 1 << 24;
        using var x = new GuardedBuffer<float>(N);
        x.Span.Fill(0.1f);
        float sum, columns;
        Reduce.Along(ReduceOp.Sum, x.Pointer, &sum, 1, N, 1);
        Assert.Equal(N * (double)0.1f, sum, 1.0);
        var two = stackalloc float[2];
        Reduce.Along(ReduceOp.Sum, x.Pointer, two, 1, N / 2, 2);
        columns = two[0] + two[1];
        Assert.Equal(N * (double)0.1f, columns, 1.0);
    }

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        var x = new Values(3).Floats(1_000_000);
        Threads.AssertSameBits(() =>
        {
            var y = new float[1 + 10 + 1000];
            fixed (float* px = x)
            fixed (float* py = y)
            {
                Reduce.Along(ReduceOp.Sum, px, py, 1, x.Length, 1);
                Reduce.Along(ReduceOp.Mean, px, py + 1, 1, x.Length / 10, 10);
                Reduce.Along(ReduceOp.Sum, px, py + 11, 1000, 1000, 1);
            }

            return y;
        });
    }

    [Fact]
    public void Rows_are_gathered_and_their_gradients_added()
    {
        foreach (var columns in (int[])[1, 3, 16, 17, 2500])
        {
            var values = new Values();
            const int RowCount = 9, Picks = 40;
            var x = values.Floats(RowCount * columns);
            var picks = values.Ints(Picks, RowCount);
            using var input = new GuardedBuffer<float>(x);
            using var index = new GuardedBuffer<int>(picks);
            using var output = new GuardedBuffer<float>(Picks * columns);
            Rows.Gather(input.Pointer, RowCount, index.Pointer, output.Pointer, Picks, columns * sizeof(float));
            output.AssertIntact();
            for (var i = 0; i < Picks * columns; i++)
                Assert.Equal(x[picks[i / columns] * columns + i % columns], output.Span[i]);

            var dy = values.Floats(Picks * columns);
            var wanted = (float[])x.Clone();
            for (var i = 0; i < dy.Length; i++)
                wanted[picks[i / columns] * columns + i % columns] += dy[i];
            using var gradient = new GuardedBuffer<float>(dy);
            Rows.ScatterAdd(gradient.Pointer, index.Pointer, Picks, input.Pointer, RowCount, columns);
            input.AssertIntact();
            Assert.Equal(wanted, input.Span);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void A_row_out_of_range_is_refused(int bad)
    {
        var index = stackalloc int[] { 0, bad };
        var x = stackalloc float[4];
        var y = stackalloc float[2];
        var error = Record.Exception(() => Gather(x, index, y));
        Assert.Equal(ErrorCode.BadInput, Assert.IsType<EscException>(error).Code);

        static void Gather(float* x, int* index, float* y) => Rows.Gather(x, 4, index, y, 2, sizeof(float));
    }

    private static double[] Oracle(ReduceOp op, float[] x, long outer, long extent, long inner)
    {
        var y = new double[outer * inner];
        for (var o = 0L; o < outer; o++)
        {
            for (var i = 0L; i < inner; i++)
            {
                var fold = op == ReduceOp.Max ? double.NegativeInfinity : 0;
                for (var e = 0L; e < extent; e++)
                {
                    var value = x[(o * extent + e) * inner + i];
                    fold = op == ReduceOp.Max ? Math.Max(fold, value) : fold + value;
                }

                y[o * inner + i] = op == ReduceOp.Mean ? fold / extent : fold;
            }
        }

        return y;
    }
}

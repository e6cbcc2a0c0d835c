using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>
/// CPU kernels on arrays of more than 2^32 values, of which only the first and the last tile are computed: an offset or a counter of 32
/// bits on the way to the last value reads zeros, writes elsewhere or leaves the array.
/// </summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class LargeArrayTests : IDisposable
{
    private const long Many = (1L << 32) + (3 * 65536);
    private const long Rows = 1 << 20, Columns = 4100;

    private readonly SparseMemory _memory = new();

    public LargeArrayTests() => CpuParallel.EndsOnly = true;

    public void Dispose()
    {
        CpuParallel.EndsOnly = false;
        _memory.Dispose();
    }

    [Fact]
    public void Elementwise_kernels_reach_the_last_value()
    {
        float* x = Zeros<float>(Many), z = Zeros<float>(Many), y = Zeros<float>(Many);
        (x[0], z[0], x[Many - 1], z[Many - 1]) = (2, 3, 5, 7);
        Elementwise.Unary(UnaryOp.Square, x, y, Many);
        Check(y, Many, 4, 25);
        Elementwise.UnaryBackward(UnaryOp.Square, x, z, y, Many);
        Check(y, Many, 12, 70);
        Elementwise.Binary(BinaryOp.Multiply, x, z, y, Many);
        Check(y, Many, 6, 35);
        // The second operand transposed.
        Elementwise.Binary(BinaryOp.Add, x, [Many / 2, 1], z, [1, 2], y, [2, Many / 2]);
        Check(y, Many, 5, 12);
        Elementwise.Affine(x, 10, 1, y, Many);
        Check(y, Many, 21, 51);
        Elementwise.Axpy(2, z, y, Many);
        Check(y, Many, 27, 65);
        Elementwise.Fill(y, 9f, Many);
        Check(y, Many, 9, 9);
    }

    [Fact]
    public void Copies_and_conversions_reach_the_last_value()
    {
        const long side = 65536 + 32;
        byte* x = Zeros<byte>(2 * Many), y = Zeros<byte>(side * side);
        (x[0], x[(side * side) - 1], x[2 * (Many - 1)]) = (3, 4, 5);
        StridedCopy.Copy(x, [1, side], y, [side, 1], [side, side], 1);
        Check<byte>(y, side * side, 3, 4);
        StridedCopy.Copy(x, [2], y, [1], [Many], 1);
        Check<byte>(y, Many, 3, 5);
        // Few values, far apart.
        StridedCopy.Copy(x, [Many - 1], y, [(Many - 1) / 2], [3], 1);
        Check<byte>(y, Many, 3, 5);
        var wide = Zeros<float>(Many);
        x[Many - 1] = 6;
        Conversion.Convert(x, wide, Many);
        Check(wide, Many, 3, 6);
    }

    [Fact]
    public void Rows_are_picked_and_added_beyond_32_bits()
    {
        long rows = (1 << 22) + 5, bytes = 1025;
        byte* x = Zeros<byte>(rows * bytes), y = Zeros<byte>(rows * bytes);
        var index = Zeros<int>(rows);
        index[rows - 1] = (int)rows - 1;
        (x[0], x[(rows * bytes) - 1]) = (5, 6);
        EscNative.Kernels.Cpu.Rows.Gather(x, rows, index, y, rows, bytes);
        Check<byte>(y, rows * bytes, 5, 6);
        const long columns = (1 << 26) + 256;
        float* dy = Zeros<float>(64 * columns), sum = Zeros<float>(64 * columns);
        for (var i = 0; i < 64; i++)
            index[i] = i;
        (dy[0], dy[(64 * columns) - 1], sum[0], sum[(64 * columns) - 1]) = (1, 2, 10, 20);
        EscNative.Kernels.Cpu.Rows.ScatterAdd(dy, index, 64, sum, 64, columns);
        Check(sum, 64 * columns, 11, 22);
    }

    [Fact]
    public void Reductions_reach_the_last_value()
    {
        const long count = Rows * Columns;
        float* x = Zeros<float>(count), y = Zeros<float>(Rows);
        (x[1], x[count - 2]) = (2, 3);
        Reduce.Along(ReduceOp.Sum, x, y, Rows, Columns, 1);
        Check(y, Rows, 2, 3);
        var index = Zeros<int>(Rows);
        Reduce.ArgMax(x, index, Rows, Columns, 1);
        Check(index, Rows, 1, (int)Columns - 2);
        const long inner = 1 << 29;
        float* deep = Zeros<float>(15 * inner), sums = Zeros<float>(3 * inner), back = Zeros<float>(count);
        (deep[0], deep[(15 * inner) - 1]) = (4, 5);
        Reduce.Along(ReduceOp.Max, deep, sums, 3, 5, inner);
        Check(sums, 3 * inner, 4, 5);
        // All values are gone through: few, far apart.
        (index[0], index[Columns - 1]) = (0, (int)Rows - 1);
        Reduce.Scatter(sums, index, back, 1, Rows, Columns);
        Check(back, Columns, 4, 0);
        sums[Columns - 1] = 6;
        Reduce.Scatter(sums, index, back, 1, Rows, Columns);
        Check(back, count, 4, 6);
    }

    [Fact]
    public void Row_kernels_reach_the_last_row()
    {
        const long count = Rows * Columns;
        float* x = Zeros<float>(count), dy = Zeros<float>(count), y = Zeros<float>(count), dx = Zeros<float>(count);
        (x[0], x[count - 1], dy[0], dy[count - 1]) = (1000, 1000, 2, 3);
        Softmax.Forward(x, y, Rows, Columns, log: false);
        Check(y, count, 1, 1);
        Softmax.Backward(x, dy, dx, Rows, Columns, log: false);
        Check(dx, count, 1000 * (2f - 2000), 1000 * (3f - 3000));
        var labels = Zeros<int>(Rows);
        float* losses = Zeros<float>(Rows), slopes = Zeros<float>(Rows);
        (labels[0], slopes[0], slopes[Rows - 1]) = (1, 1, 2);
        Softmax.CrossEntropy(x, labels, losses, Rows, Columns);
        Check(losses, Rows, 1000, 1000);
        Softmax.CrossEntropyBackward(x, labels, slopes, dx, Rows, Columns);
        Check(dx, count, 1, 2);

        float* ones = Zeros<float>(Columns), zeros = Zeros<float>(Columns), mean = Zeros<float>(Rows), rstd = Zeros<float>(Rows);
        new Span<float>(ones, (int)Columns).Fill(1);
        (x[0], x[count - 1]) = (1, -1);
        LayerNorm.Forward(x, ones, zeros, 0, y, mean, rstd, Rows, Columns);
        var far = MathF.Sqrt(Columns - 1);
        Assert.Equal(far, y[0], 1e-3f);
        Assert.Equal(-far, y[count - 1], 1e-3f);
        BatchNorm.Normalise(x, zeros, ones, ones, zeros, 0, relu: false, y, Rows, Columns);
        Check(y, count, 1, -1);
    }

    [Fact]
    public void Pools_reach_the_last_image()
    {
        var s = WindowShape.Pool((1 << 16, 513, 257, 64), (2, 2), (1, 1), (0, 0));
        long inputs = (long)s.Batch * s.Height * s.Width * s.InChannels, outputs = (long)s.Batch * s.OutHeight * s.OutWidth * s.InChannels;
        float* x = Zeros<float>(inputs), y = Zeros<float>(outputs), dx = Zeros<float>(inputs);
        var index = Zeros<int>(outputs);
        (x[0], x[inputs - 1]) = (4, 8);
        AveragePool.Forward(s, countPadding: true, x, y);
        Check(y, outputs, 1, 2);
        AveragePool.Backward(s, countPadding: true, y, dx);
        Check(dx, inputs, 0.25f, 0.5f);
        MaxPool.Forward(s, x, y, index);
        Check(y, outputs, 4, 8);
        Check(index, outputs, 0, (513 * 257) - 1);
        MaxPool.Backward(s, y, index, dx);
        Check(dx, inputs, 4, 8);
    }

    [Fact]
    public void Random_numbers_and_optimizers_reach_the_last_value()
    {
        float* w = Zeros<float>(Many), g = Zeros<float>(Many), m = Zeros<float>(Many), v = Zeros<float>(Many), tail = Zeros<float>(1024);
        RandomFill.Uniform(w, Many, 1, 2, 0);
        RandomFill.Uniform(tail, 1024, 1, 2, (ulong)Many - 1024);
        Assert.Equal(tail[1023], w[Many - 1]);
        var mask = Zeros<byte>(Many);
        (mask[0], mask[Many - 1], g[0], g[Many - 1]) = (1, 1, 2, 4);
        RandomFill.ApplyMask(g, mask, 2, w, Many);
        Check(w, Many, 4, 8);
        (w[0], w[Many - 1]) = (0, 0);
        Optimizers.Sgd<float>([new OptimizerTensor<float>(w, g, m, null, Many)], 0.5, 0.5, 0, nesterov: false);
        Check(w, Many, -1, -2);
        (w[0], w[Many - 1], m[0], m[Many - 1]) = (0, 0, 0, 0);
        Optimizers.Adam<float>([new OptimizerTensor<float>(w, g, m, v, Many)], 0.5, 0.9, 0.999, 0, 0, decoupled: false, 1);
        Assert.Equal(-0.5f, w[0], 1e-5f);
        Assert.Equal(-0.5f, w[Many - 1], 1e-5f);
    }

    private static void Check<T>(T* values, long count, T first, T last)
        where T : unmanaged => Assert.Equal((first, last), (values[0], values[count - 1]));

    private T* Zeros<T>(long count)
        where T : unmanaged => _memory.Zeros<T>(count);
}

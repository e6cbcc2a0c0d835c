using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>
/// Kernels on arrays of more than 2^32 values, of which only the first and the last block run: an offset or a counter of 32 bits, signed
/// or not, anywhere on the way to the last value, reads zeros, writes elsewhere or leaves the array.
/// </summary>
public sealed unsafe partial class LargeOffsetTests
{
    // A multiple of what a block does in every kernel, so that the last block has the last values.
    private const long Many = (1L << 32) + 8192;

    // Rows of a matrix with so many values, for kernels that share out rows.
    private const long Rows = 1 << 20, Columns = 4100;

    [Fact]
    public void Elementwise_kernels_reach_the_last_value()
    {
        using var big = new LargeDevice();
        var kernels = new ElementwiseKernels(big.Context);
        // Aligned and not: in packs of 16 bytes and value by value.
        foreach (var shift in (int[])[0, 1])
        {
            float* x = big.Zeros<float>(Many + 1) + shift, z = big.Zeros<float>(Many + 1) + shift, y = big.Zeros<float>(Many + 1) + shift;
            (x[0], z[0], x[Many - 1], z[Many - 1]) = (2, 3, 5, 7);

            kernels.Unary(DType.F32, UnaryOp.Square, (nint)x, (nint)y, Many);
            big.Check(y, Many, 4, 25);
            kernels.UnaryBackward(DType.F32, UnaryOp.Square, (nint)x, (nint)z, (nint)y, Many);
            big.Check(y, Many, 12, 70);
            kernels.Binary(DType.F32, BinaryOp.Multiply, (nint)x, 1, (nint)z, 1, (nint)y, Many);
            big.Check(y, Many, 6, 35);
            kernels.Affine(DType.F32, (nint)x, 10, 1, (nint)y, Many);
            big.Check(y, Many, 21, 51);
            kernels.AddInto(DType.F32, (nint)y, (nint)z, Many);
            big.Check(y, Many, 24, 58);
            // [2, n / 2] of which the second operand is transposed.
            kernels.BinaryStrided(DType.F32, BinaryOp.Add, (nint)x, (nint)z, (nint)y, Many, Broadcast.Of([2, Many / 2], [Many / 2, 1], [1, 2]));
            big.Check(y, Many, 5, 12);
        }
    }

    [Fact]
    public void Fill_copy_and_convert_reach_the_last_value()
    {
        using var big = new LargeDevice();
        var kernels = new CopyKernels(big.Context);
        byte* x = big.Zeros<byte>(Many), y = big.Zeros<byte>(Many);
        kernels.Fill(1, 9, (nint)y, Many);
        big.Check<byte>(y, Many, 9, 9);
        (x[0], x[Many - 1]) = (3, 4);
        // Transposed in the source, and in the target.
        foreach (var (from, to) in new[] { ((long[])[1, 2], (long[])[Many / 2, 1]), ([Many / 2, 1], [1, 2]) })
        {
            (y[0], y[Many - 1]) = (0, 0);
            kernels.Copy(1, (nint)x, (nint)y, Many, Broadcast.Of([2, Many / 2], from, to));
            big.Check<byte>(y, Many, 3, 4);
        }

        var wide = big.Zeros<float>(Many);
        kernels.Convert(DType.U8, DType.F32, (nint)x, (nint)wide, Many);
        big.Check(wide, Many, 3f, 4f);
    }

    [Fact]
    public void Rows_are_picked_and_added_beyond_32_bits()
    {
        using var big = new LargeDevice();
        var kernels = new RowsKernels(big.Context);
        foreach (var unit in (int[])[1, 4, 16])
        {
            // So many rows of 1,025 units, the last of them last.
            long rows = 1 << 22, bytes = 1025 * unit;
            byte* x = big.Zeros<byte>(rows * bytes), y = big.Zeros<byte>(rows * bytes);
            var index = big.Zeros<int>(rows);
            index[rows - 1] = (int)rows - 1;
            (x[0], x[(rows * bytes) - 1]) = (5, 6);
            kernels.Gather((nint)x, rows, (nint)index, (nint)y, rows, bytes);
            big.Check<byte>(y, rows * bytes, 5, 6);
        }

        {
            // dy and the sum each; the last block adds row 63 of the sum's 64.
            const long columns = (1 << 26) + 256;
            float* dy = big.Zeros<float>(64 * columns), sum = big.Zeros<float>(64 * columns);
            var index = big.Zeros<int>(64);
            index[63] = 63;
            (dy[0], dy[(64 * columns) - 1], sum[0], sum[(64 * columns) - 1]) = (1, 2, 10, 20);
            kernels.ScatterAdd(DType.F32, (nint)dy, (nint)index, 64, (nint)sum, 64, columns);
            big.Check(sum, 64 * columns, 11, 22);
        }
    }

    [Fact]
    public void Reductions_reach_the_last_value()
    {
        using var big = new LargeDevice();
        var kernels = new ReduceKernels(big.Context);
        const long count = Rows * Columns;
        float* x = big.Zeros<float>(count), y = big.Zeros<float>(Rows);
        (x[1], x[count - 2]) = (2, 3);
        kernels.Along(DType.F32, ReduceOp.Sum, (nint)x, (nint)y, Rows, Columns, 1, 0);
        big.Check(y, Rows, 2, 3);
        var index = big.Zeros<int>(Rows);
        kernels.ArgMax(DType.F32, (nint)x, (nint)index, Rows, Columns, 1);
        big.Check(index, Rows, 1, (int)Columns - 2);

        // [3, 5, inner]: a thread a column.
        const long inner = 1 << 29;
        float* deep = big.Zeros<float>(15 * inner), sums = big.Zeros<float>(3 * inner), back = big.Zeros<float>(15 * inner);
        (deep[0], deep[(15 * inner) - 1]) = (4, 5);
        kernels.Along(DType.F32, ReduceOp.Max, (nint)deep, (nint)sums, 3, 5, inner, 0);
        big.Check(sums, 3 * inner, 4, 5);
        var where = big.Zeros<int>(3 * inner);
        where[(3 * inner) - 1] = 4;
        kernels.Scatter(DType.F32, (nint)sums, (nint)where, (nint)back, 3, 5, inner);
        big.Check(back, 15 * inner, 4, 5);
    }

    [Fact]
    public void Row_kernels_reach_the_last_row()
    {
        using var big = new LargeDevice();
        const long count = Rows * Columns;
        float* x = big.Zeros<float>(count), dy = big.Zeros<float>(count), y = big.Zeros<float>(count);
        // All of the weight of a row on one value.
        (x[0], x[count - 1]) = (1000, 1000);
        var softmax = new SoftmaxKernels(big.Context);
        softmax.Forward(DType.F32, (nint)x, (nint)y, Rows, Columns, log: false);
        big.Check(y, count, 1, 1);
        (dy[0], dy[count - 1]) = (2, 3);
        var dx = big.Zeros<float>(count);
        softmax.Backward(DType.F32, (nint)x, (nint)dy, (nint)dx, Rows, Columns, log: false);
        big.Check(dx, count, 1000 * (2f - 2000), 1000 * (3f - 3000));

        var labels = big.Zeros<int>(Rows);
        float* losses = big.Zeros<float>(Rows), slopes = big.Zeros<float>(Rows);
        (labels[0], labels[Rows - 1], slopes[0], slopes[Rows - 1]) = (1, 0, 1, 2);
        softmax.CrossEntropy(DType.F32, (nint)x, (nint)labels, (nint)losses, Rows, Columns);
        big.Check(losses, Rows, 1000, 1000);
        softmax.CrossEntropyBackward(DType.F32, (nint)x, (nint)labels, (nint)slopes, (nint)dx, Rows, Columns);
        big.Check(dx, count, 1, 2);
    }

    [Fact]
    public void Norms_reach_the_last_row()
    {
        using var big = new LargeDevice();
        const long count = Rows * Columns;
        float* x = big.Zeros<float>(count), dy = big.Zeros<float>(count), y = big.Zeros<float>(count);
        (x[0], x[count - 1], dy[0], dy[count - 1]) = (1, -1, 1, -1);
        float* ones = Ones(big, Columns), zeros = big.Zeros<float>(Columns);
        var batch = new BatchNormKernels(big.Context);
        var layer = new LayerNormKernels(big.Context, batch);

        // A single 1 in a row of zeros: mean 1 / d, variance (1 - 1 / d) / d, so it becomes √(d - 1).
        float* mean = big.Zeros<float>(Rows), rstd = big.Zeros<float>(Rows);
        layer.Forward(DType.F32, (nint)x, (nint)ones, (nint)zeros, 0, (nint)y, (nint)mean, (nint)rstd, Rows, Columns);
        big.Close(y, count, MathF.Sqrt(Columns - 1), -MathF.Sqrt(Columns - 1));
        big.Close(mean, Rows, 1f / Columns, -1f / Columns);
        var workspace = big.Zeros<byte>(LayerNormKernels.WorkspaceBytes(DType.F32, Rows, Columns));
        float* dx = big.Zeros<float>(count), dGamma = big.Zeros<float>(Columns), dBeta = big.Zeros<float>(Columns);
        layer.Backward(DType.F32, (nint)x, (nint)dy, (nint)ones, (nint)mean, (nint)rstd, (nint)dx, (nint)dGamma, (nint)dBeta, Rows, Columns, (nint)workspace);
        big.Close(dBeta, Columns, 1, -1);
        big.Close(dGamma, Columns, MathF.Sqrt(Columns - 1), MathF.Sqrt(Columns - 1));
        // rstd (dy - mean dy - x' mean(dy x')), in which all but rounding cancels: compared with one row alone.
        float* one = big.Zeros<float>(Columns), scratch = big.Zeros<float>(Columns);
        layer.Backward(
            DType.F32, (nint)(x + count - Columns), (nint)(dy + count - Columns), (nint)ones, (nint)(mean + Rows - 1), (nint)(rstd + Rows - 1),
            (nint)one, (nint)scratch, (nint)scratch, 1, Columns, (nint)workspace);
        big.Check(dx + count - Columns, Columns, one[0], one[Columns - 1]);

        // Statistics of the columns: the first and the last hold one value each that is not 0.
        workspace = big.Zeros<byte>(BatchNormKernels.WorkspaceBytes(DType.F32, Rows, Columns));
        float* means = big.Zeros<float>(Columns), variances = big.Zeros<float>(Columns);
        (x[0], x[count - 1]) = (1 << 20, -(1 << 20));
        batch.Statistics(DType.F32, (nint)x, (nint)means, (nint)variances, Rows, Columns, (nint)workspace);
        // Of the chunks of 1,024 rows two were summed up, and the others have no rows.
        Assert.Equal(-1024, means[Columns - 1]);
        var unit = Ones(big, Columns);
        batch.Normalise(DType.F32, (nint)x, (nint)zeros, (nint)unit, (nint)ones, (nint)zeros, 0, relu: false, (nint)y, Rows, Columns);
        big.Check(y, count, 1 << 20, -(1 << 20));
        batch.Backward(
            DType.F32, (nint)x, (nint)dy, (nint)zeros, (nint)unit, (nint)ones, (nint)zeros, 0, relu: false, own: false, (nint)dx, (nint)dGamma,
            (nint)dBeta, Rows, Columns, (nint)workspace);
        big.Check(dx, count, 1, -1);
        Assert.Equal(-1, dBeta[Columns - 1]);
    }

    [Fact]
    public void Pools_reach_the_last_image()
    {
        using var big = new LargeDevice();
        var kernels = new PoolKernels(big.Context);
        // Results and operands each have more than 2^32 values.
        var window = WindowShape.Pool((1 << 10, 513, 257, 64), (2, 2), (1, 1), (0, 0));
        long inputs = (long)window.Batch * window.Height * window.Width * window.InChannels, outputs = window.OutPixels * window.InChannels;
        float* x = big.Zeros<float>(inputs), y = big.Zeros<float>(outputs), dx = big.Zeros<float>(inputs);
        var index = big.Zeros<int>(outputs);
        (x[0], x[inputs - 1]) = (4, 8);
        kernels.Average(DType.F32, window, countPadding: true, (nint)x, (nint)y);
        big.Check(y, outputs, 1, 2);
        kernels.AverageBackward(DType.F32, window, countPadding: true, (nint)y, (nint)dx);
        big.Check(dx, inputs, 0.25f, 0.5f);
        kernels.Max(DType.F32, window, (nint)x, (nint)y, (nint)index);
        big.Check(y, outputs, 4, 8);
        big.Check(index, outputs, 0, (513 * 257) - 1);
        kernels.MaxBackward(DType.F32, window, (nint)y, (nint)index, (nint)dx);
        big.Check(dx, inputs, 4, 8);
    }

    [Fact]
    public void Image_and_random_kernels_reach_the_last_value()
    {
        using var big = new LargeDevice();
        var images = new ImageKernels(big.Context);
        const long batch = (1 << 20) + 1024;
        foreach (var side in (int[])[64, 32])
        {
            // 64: as they are; 32: to twice the size.
            var shape = new ImageBatch(side, side, 4, 64, 64, batch);
            long from = batch * side * side * 4, to = batch * 64 * 64 * 4;
            var x = big.Zeros<byte>(from);
            float* y = big.Zeros<float>(to), table = big.Zeros<float>(4 * 256);
            var changes = big.Zeros<ImageChange>(batch);
            changes[batch - 1] = new ImageChange((int)batch - 1, 0, 0, 0);
            (x[0], x[from - 1], table[1], table[(3 * 256) + 2]) = (1, 2, 10, 20);
            images.Load(DType.F32, (nint)x, (nint)table, (nint)changes, (nint)y, batch, shape);
            big.Check(y, to, 10, 20);
            (y[0], y[to - 1]) = (0, 0);
            images.Load(DType.F32, (nint)x, (nint)table, 0, (nint)y, batch, shape);
            big.Check(y, to, 10, 20);
        }

        float* v = big.Zeros<float>(Many), w = big.Zeros<float>(Many);
        (v[0], v[Many - 1]) = (2, 3);
        var scale = Ones(big, 4);
        images.Pointwise(DType.F32, (nint)v, (nint)scale, (nint)scale, (nint)v, relu: true, (nint)w, Many, 4);
        big.Check(w, Many, 5, 7);

        var random = new RandomKernels(big.Context);
        // The last numbers are those that a launch from their offset gives.
        var tail = big.Zeros<float>(1024);
        random.Uniform(DType.F32, (nint)w, Many, 1, 2, 0);
        random.Uniform(DType.F32, (nint)tail, 1024, 1, 2, Many - 1024);
        big.Wait();
        Assert.Equal(tail[1023], w[Many - 1]);
        random.Normal((nint)w, Many, 1, 2, 0);
        random.Normal((nint)tail, 1024, 1, 2, Many - 1024);
        big.Wait();
        Assert.Equal(tail[1023], w[Many - 1]);
        byte* mask = big.Zeros<byte>(Many), tailMask = big.Zeros<byte>(1024);
        for (var i = 1; i <= 16; i++)
            v[Many - i] = i;
        random.Dropout(DType.F32, (nint)v, (nint)w, (nint)mask, 0.5, Many, 1, 2, 0);
        random.Dropout(DType.F32, (nint)(v + Many - 1024), (nint)tail, (nint)tailMask, 0.5, 1024, 1, 2, Many - 1024);
        big.Wait();
        for (var i = 1; i <= 16; i++)
            Assert.Equal((tail[1024 - i], tailMask[1024 - i]), (w[Many - i], mask[Many - i]));
        (mask[0], mask[Many - 1]) = (1, 1);
        random.ApplyMask(DType.F32, (nint)v, (nint)mask, 2, (nint)w, Many);
        big.Check(w, Many, 4, 2);
    }

    private static float* Ones(LargeDevice big, long count)
    {
        var ones = big.Zeros<float>(count);
        new Span<float>(ones, (int)count).Fill(1);
        return ones;
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <content>Products, convolutions, and what works on matrices of features.</content>
public sealed unsafe partial class LargeOffsetTests
{
    [Fact]
    public void Products_reach_the_last_tile()
    {
        using var big = new LargeDevice();
        var kernels = new GemmKernels(big.Context);
        var small = ProductRows.Named("gemm_xx_64");
        const int n = 1028, k = 1030;
        const long m = (1 << 22) + 64;
        float* a = big.Zeros<float>(m * k), b = big.Zeros<float>(k * n), c = big.Zeros<float>(m * n);
        (a[0], a[(m * k) - 1], b[0], b[(k * n) - 1]) = (2, 3, 5, 7);
        var product = new MatrixProduct((nint)a, false, k, (nint)b, false, n, (nint)c, n, m, n, k);
        foreach (var row in ProductVariants.Of(ProductPass.Matrix))
        {
            kernels.Multiply(DType.F32, product, new GemmPlan(row, 1, k), 0);
            big.Check(c, m * n, 10, 21);
            (c[0], c[(m * n) - 1]) = (0, 0);
        }

        // Stored the other way round, where its lines are long and few.
        a = big.Zeros<float>(m * k);
        (a[0], a[(m * k) - 1]) = (2, 3);
        kernels.Multiply(DType.F32, product with { A = (nint)a, TransposeA = true, LeadingA = m }, new GemmPlan(small, 1, k), 0);
        big.Check(c, m * n, 10, 21);
        // In pieces.
        var workspace = big.Zeros<float>(5 * m * n);
        (c[0], c[(m * n) - 1]) = (0, 0);
        kernels.Multiply(DType.F32, product with { A = (nint)a, TransposeA = true, LeadingA = m }, new GemmPlan(small, 5, 206), (nint)workspace);
        big.Check(c, m * n, 10, 21);
        // A batch.
        const int side2 = 1024, batch = 4100;
        float* p = big.Zeros<float>((long)batch * side2 * side2), q = big.Zeros<float>((long)batch * side2 * side2);
        const long count = (long)batch * side2 * side2;
        (p[0], p[count - 1], q[0], q[count - 1]) = (1, 2, 3, 4);
        kernels.Multiply(
            DType.F32,
            new MatrixProduct((nint)p, false, side2, (nint)p, false, side2, (nint)q, side2, side2, side2, side2)
            {
                Outer = batch,
                OuterStride = (side2 * side2, side2 * side2, side2 * side2),
                Beta = 1,
            },
            new GemmPlan(small, 1, side2), 0);
        big.Check(q, count, 4, 8);
    }

    [Fact]
    public void Convolutions_reach_the_last_image()
    {
        using var big = new LargeDevice();
        const int batch = (1 << 20) + 128;
        var s = new WindowShape(batch, 8, 8, 65, 66, 3, 3, 1, 1, 1, 1, 1, 1);
        long inputs = batch * 64L * 65, outputs = batch * 64L * 66;
        float* x = big.Zeros<float>(inputs), y = big.Zeros<float>(outputs), weight = big.Zeros<float>(s.Taps * 66);
        // The middle of the window: the first input channel to the first output, the last to the last.
        int middle = 4 * 65, last = (65 * s.Taps) + middle + 64;
        (x[0], x[inputs - 1], weight[middle], weight[last]) = (2, 3, 5, 7);
        var forward = new ConvForwardKernels(big.Context);
        var gradient = new ConvGradientKernels(big.Context);
        foreach (var name in (string[])["conv_forward_64x64", "conv_forward_128x128"])
        {
            forward.Forward(DType.F32, s, ProductRows.Named(name), (nint)x, (nint)weight, 0, 0, relu: false, (nint)y);
            // The launch's grid may have blocks behind the last one with work; the first is always the first.
            big.Check(y, 1, 10, 10);
        }

        float* dy = big.Zeros<float>(outputs), dx = big.Zeros<float>(inputs);
        (dy[0], dy[outputs - 1]) = (2, 3);
        gradient.Data(DType.F32, s, ProductRows.Named("conv_data_gradient_64x64"), (nint)dy, (nint)weight, (nint)dx);
        big.Check(dx, inputs, 10, 21);
        // The pixels in pieces of 1,024. The last value belongs to the window's last tap, which pixel (6, 6) has on pixel (7, 7).
        dy[outputs - 1 - (9 * 66)] = 4;
        var splits = (int)(s.OutPixels / 1024);
        float* dw = big.Zeros<float>(s.Taps * 66), parts = big.Zeros<float>((long)splits * s.Taps * 66);
        gradient.Weight(DType.F32, s, ProductRows.Named("conv_weight_gradient_64x64"), (splits, 1024), (nint)x, (nint)dy, (nint)dw, (nint)parts);
        big.Wait();
        Assert.Equal(12, parts[((long)splits * s.Taps * 66) - 1]);
    }

    [Fact]
    public void Feature_kernels_reach_the_last_row()
    {
        using var big = new LargeDevice();
        const long count = Rows * Columns;
        var z = big.Zeros<float>(count);
        (z[0], z[count - 1]) = (2, 3);
        var subspace = new SubspaceKernels(big.Context);
        var wide = big.Zeros<double>(count);
        foreach (var transposed in (bool[])[false, true])
        {
            subspace.Widen(DType.F32, (nint)z, (nint)wide, Rows, Columns, transposed);
            big.Check(wide, count, 2d, 3d);
            (wide[0], wide[count - 1]) = (0, 0);
        }

        const int d = 1 << 17;
        double* g = big.Zeros<double>((long)d * d), diagonal = big.Zeros<double>(d), one = big.Zeros<double>(d), product = big.Zeros<double>(d);
        (g[0], g[((long)d * d) - 1], one[0], one[d - 1]) = (2, 3, 5, 7);
        subspace.Diagonal((nint)g, (nint)diagonal, d);
        big.Check(diagonal, d, 2d, 3d);
        subspace.Multiply((nint)g, (nint)one, (nint)product, d, d, 1);
        big.Check(product, d, 10d, 21d);
        // A tall block of directions, whose last rows are solved with the identity times 2.
        const int b = 1024;
        const long tall = (1 << 22) + 32;
        double* r = big.Zeros<double>(b * b), q = big.Zeros<double>(tall * b);
        for (var i = 0; i < b; i++)
            r[(i * b) + i] = 2;
        (q[0], q[(tall * b) - 1]) = (6, 8);
        subspace.Solve((nint)r, (nint)q, tall, b);
        big.Check(q, tall * b, 3d, 4d);
        subspace.Start((nint)q, tall, b);
        big.Wait();
        Assert.InRange(q[(tall * b) - 1], -1, 1);
        Assert.NotEqual(4, q[(tall * b) - 1]);
    }

    [Fact]
    public void The_Gram_matrix_of_many_columns_has_its_last_value()
    {
        using var big = new LargeDevice();
        const int d = 1 << 17, n = 32800;
        float* z = big.Zeros<float>((long)n * d);
        (z[0], z[((long)n * d) - 1]) = (2, 3);
        double* gram = big.Zeros<double>((long)d * d), workspace = big.Zeros<double>(GramKernels.WorkspaceBytes(n, d) / sizeof(double));
        var bad = big.Zeros<ulong>(1);
        *bad = ulong.MaxValue;
        new GramKernels(big.Context).Add(DType.F32, exact: false, (nint)z, n, d, (nint)gram, (nint)workspace, (nint)bad);
        big.Check(gram, (long)d * d, 4d, 9d);
        Assert.Equal(ulong.MaxValue, *bad);
    }

    [Fact]
    public void Optimizers_and_masks_reach_the_last_value()
    {
        using var big = new LargeDevice();
        float* w = big.Zeros<float>(Many), g = big.Zeros<float>(Many), m = big.Zeros<float>(Many), v = big.Zeros<float>(Many);
        (g[0], g[Many - 1]) = (2, 4);
        var kernels = new OptimizerKernels(big.Context);
        var table = default(OptimizerTable);
        table.Add((nint)w, (nint)g, (nint)m, 0, Many);
        kernels.Sgd(wide: false, table, 0.5, 0.5, 0, nesterov: false);
        big.Check(w, Many, -1, -2);
        table = default;
        (w[0], w[Many - 1], m[0], m[Many - 1]) = (0, 0, 0, 0);
        table.Add((nint)w, (nint)g, (nint)m, (nint)v, Many);
        kernels.Adam(wide: false, table, 0.5, 0.9, 0.999, 0, 0, decoupled: false, 1);
        big.Close(w, Many, -0.5f, -0.5f);

        var kept = big.Zeros<byte>(Many);
        new EscTKernels(big.Context).Threshold((nint)g, 3, (nint)kept, Many);
        big.Check<byte>(kept, Many, 0, 1);
    }
}

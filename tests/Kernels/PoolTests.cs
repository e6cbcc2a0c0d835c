using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

[Collection(CpuThreads.Collection)]
public sealed unsafe class PoolTests
{
    public static TheoryData<string, WindowShape> Shapes() => new()
    {
        { "2x2", WindowShape.Pool((2, 8, 6, 5), (2, 2), (2, 2), (0, 0)) },
        { "3x3 stride 2 padded", WindowShape.Pool((3, 9, 8, 17), (3, 3), (2, 2), (1, 1)) },
        { "overlapping", WindowShape.Pool((2, 7, 7, 16), (3, 3), (1, 1), (1, 1)) },
        { "gaps", WindowShape.Pool((1, 11, 11, 3), (2, 2), (4, 5), (0, 0)) },
        { "rectangular", WindowShape.Pool((2, 10, 7, 1), (4, 2), (3, 1), (2, 1)) },
        { "whole image", WindowShape.Pool((4, 8, 8, 96), (8, 8), (8, 8), (0, 0)) },
        { "one pixel", WindowShape.Pool((1, 1, 1, 2), (1, 1), (1, 1), (0, 0)) },
        { "no image", WindowShape.Pool((0, 4, 4, 3), (2, 2), (2, 2), (0, 0)) },
        { "large", WindowShape.Pool((8, 32, 32, 33), (3, 3), (2, 2), (1, 1)) },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Average_equals_the_oracle(string name, WindowShape s)
    {
        _ = name;
        var values = new Values();
        var x = values.Floats(Count(s, input: true));
        var dy = values.Floats(Count(s, input: false));
        foreach (var countPadding in (bool[])[true, false])
        {
            var wanted = new double[dy.Length];
            var wantedDx = new double[x.Length];
            foreach (var (window, pixel, inside) in Pairs(s))
            {
                var weight = 1.0 / (countPadding ? s.KernelHeight * s.KernelWidth : inside);
                for (var c = 0; c < s.InChannels; c++)
                {
                    wanted[window * s.InChannels + c] += weight * x[pixel * s.InChannels + c];
                    wantedDx[pixel * s.InChannels + c] += weight * dy[window * s.InChannels + c];
                }
            }

            using var input = new GuardedBuffer<float>(x);
            using var gradient = new GuardedBuffer<float>(dy);
            using var y = new GuardedBuffer<float>(dy.Length);
            using var dx = new GuardedBuffer<float>(x.Length);
            AveragePool.Forward(s, countPadding, input.Pointer, y.Pointer);
            AveragePool.Backward(s, countPadding, gradient.Pointer, dx.Pointer);
            y.AssertIntact();
            dx.AssertIntact();
            // Windows of up to 64 values of size 1.
            values.AssertClose(wanted, y.Span, 2e-6, 1e-6);
            values.AssertClose(wantedDx, dx.Span, 2e-6, 1e-6);

            using var wide = new GuardedBuffer<double>(Values.Wide(x));
            using var wideDy = new GuardedBuffer<double>(Values.Wide(dy));
            using var wideY = new GuardedBuffer<double>(dy.Length);
            using var wideDx = new GuardedBuffer<double>(x.Length);
            AveragePool.Forward(s, countPadding, wide.Pointer, wideY.Pointer);
            AveragePool.Backward(s, countPadding, wideDy.Pointer, wideDx.Pointer);
            values.AssertClose(wanted, wideY.Span, 1e-14, 1e-14);
            values.AssertClose(wantedDx, wideDx.Span, 1e-14, 1e-14);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Maximum_equals_the_oracle(string name, WindowShape s)
    {
        _ = name;
        // Few different values, so that ties are everywhere.
        var values = new Values();
        var x = Array.ConvertAll(values.Ints(Count(s, input: true), 9), v => v - 4f);
        var dy = values.Floats(Count(s, input: false));
        var wanted = new double[dy.Length];
        var wantedIndex = new int[dy.Length];
        Array.Fill(wanted, double.NegativeInfinity);
        foreach (var (window, pixel, _) in Pairs(s))
        {
            for (var c = 0; c < s.InChannels; c++)
            {
                var value = x[pixel * s.InChannels + c];
                if (value > wanted[window * s.InChannels + c])
                {
                    wanted[window * s.InChannels + c] = value;
                    wantedIndex[window * s.InChannels + c] = pixel % (s.Height * s.Width);
                }
            }
        }

        using var input = new GuardedBuffer<float>(x);
        using var y = new GuardedBuffer<float>(dy.Length);
        using var index = new GuardedBuffer<int>(dy.Length);
        MaxPool.Forward(s, input.Pointer, y.Pointer, index.Pointer);
        y.AssertIntact();
        index.AssertIntact();
        values.AssertClose(wanted, y.Span, 0);
        Assert.Equal(wantedIndex, index.Span);

        var wantedDx = new double[x.Length];
        var perImage = s.OutHeight * s.OutWidth * s.InChannels;
        for (var i = 0; i < dy.Length; i++)
            wantedDx[((i / perImage * s.Height * s.Width) + wantedIndex[i]) * s.InChannels + i % s.InChannels] += dy[i];
        using var gradient = new GuardedBuffer<float>(dy);
        using var dx = new GuardedBuffer<float>(x.Length);
        MaxPool.Backward(s, gradient.Pointer, index.Pointer, dx.Pointer);
        dx.AssertIntact();
        values.AssertClose(wantedDx, dx.Span, 2e-6, 1e-6);
    }

    [Fact]
    public void Nan_and_minus_infinity_win_where_they_should()
    {
        float[] x = [1, float.NaN, 2, float.NaN, float.NegativeInfinity, float.NegativeInfinity, 0, 0];
        var y = stackalloc float[4];
        var index = stackalloc int[4];
        fixed (float* p = x)
            MaxPool.Forward(WindowShape.Pool((1, 1, 8, 1), (1, 4), (1, 4), (0, 0)), p, y, index);
        Assert.True(float.IsNaN(y[0]));
        Assert.Equal(1, index[0]);
        Assert.Equal(0f, y[1]);
        Assert.Equal(6, index[1]);
    }

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        var s = WindowShape.Pool((16, 32, 32, 33), (3, 3), (2, 2), (1, 1));
        var x = new Values(29).Floats(Count(s, input: true));
        Threads.AssertSameBits(() =>
        {
            var y = new float[Count(s, input: false)];
            var dx = new float[x.Length];
            fixed (float* px = x)
            fixed (float* py = y)
            fixed (float* pdx = dx)
            {
                AveragePool.Forward(s, true, px, py);
                AveragePool.Backward(s, true, py, pdx);
            }

            return dx;
        });
    }

    private static long Count(WindowShape s, bool input) =>
        (long)s.Batch * (input ? s.Height * s.Width : s.OutHeight * s.OutWidth) * s.InChannels;

    // Every window with every pixel of it that lies in the image, and how many those are.
    private static IEnumerable<(int Window, int Pixel, int Inside)> Pairs(WindowShape s)
    {
        for (var n = 0; n < s.Batch; n++)
        {
            for (var oy = 0; oy < s.OutHeight; oy++)
            {
                for (var ox = 0; ox < s.OutWidth; ox++)
                {
                    var pixels = new List<int>();
                    for (var ky = 0; ky < s.KernelHeight; ky++)
                    {
                        for (var kx = 0; kx < s.KernelWidth; kx++)
                        {
                            var (y, x) = (oy * s.StrideHeight - s.PadTop + ky, ox * s.StrideWidth - s.PadLeft + kx);
                            if (y >= 0 && y < s.Height && x >= 0 && x < s.Width)
                                pixels.Add((n * s.Height + y) * s.Width + x);
                        }
                    }

                    foreach (var pixel in pixels)
                        yield return ((n * s.OutHeight + oy) * s.OutWidth + ox, pixel, pixels.Count);
                }
            }
        }
    }
}

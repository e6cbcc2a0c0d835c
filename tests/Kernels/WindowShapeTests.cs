using EscNative.Kernels;

namespace EscNative.Tests.Kernels;

/// <summary>What of a kernel meets more than padding, against the definition.</summary>
public sealed class WindowShapeTests
{
    [Fact]
    public void A_kernel_within_the_image_has_every_value_that_meets_a_pixel()
    {
        var random = new Random(7);
        var (cut, empty) = (0, 0);
        for (var i = 0; i < 20_000; i++)
        {
            var s = new WindowShape(
                1, random.Next(0, 5), random.Next(0, 5), 1, 1, random.Next(1, 6), random.Next(1, 6), random.Next(1, 4), random.Next(1, 4),
                random.Next(0, 5), random.Next(0, 5), random.Next(0, 5), random.Next(0, 5), random.Next(1, 4), random.Next(1, 4));
            var met = s.WithinImage(out var firstRow, out var firstColumn);
            Assert.Equal((s.OutHeight, s.OutWidth), (met.OutHeight, met.OutWidth));
            Assert.True(met is { PadTop: >= 0, PadLeft: >= 0, PadBottom: >= 0, PadRight: >= 0, KernelHeight: >= 1, KernelWidth: >= 1 }, $"{s} -> {met}");
            var rows = Pairs(s.OutHeight, s.Height, s.KernelHeight, s.StrideHeight, s.DilationHeight, s.PadTop, 0);
            var columns = Pairs(s.OutWidth, s.Width, s.KernelWidth, s.StrideWidth, s.DilationWidth, s.PadLeft, 0);
            Assert.Equal(rows, Pairs(met.OutHeight, met.Height, met.KernelHeight, met.StrideHeight, met.DilationHeight, met.PadTop, firstRow));
            Assert.Equal(columns, Pairs(met.OutWidth, met.Width, met.KernelWidth, met.StrideWidth, met.DilationWidth, met.PadLeft, firstColumn));
            empty += rows.Count == 0 || columns.Count == 0 ? 1 : 0;
            if (rows.Count > 0 && s is { DilationHeight: 1, OutHeight: > 0 })
            {
                // Nothing is left that meets padding alone.
                Assert.Equal(rows.Min(p => p.Value), firstRow);
                Assert.Equal(rows.Max(p => p.Value), firstRow + met.KernelHeight - 1);
                cut += met.KernelHeight < s.KernelHeight ? 1 : 0;
            }
        }

        Assert.True(cut > 1_000 && empty > 1_000, $"{cut} were cut, {empty} met nothing");
    }

    // Which window meets which pixel with which value of the kernel.
    private static HashSet<(int Window, int Pixel, int Value)> Pairs(int windows, int pixels, int kernel, int stride, int dilation, int before, int first)
    {
        var pairs = new HashSet<(int, int, int)>();
        for (var window = 0; window < windows; window++)
        {
            for (var i = 0; i < kernel; i++)
            {
                if ((uint)(window * stride - before + i * dilation) is var pixel && pixel < pixels)
                    pairs.Add((window, (int)pixel, first + i));
            }
        }

        return pairs;
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Pooling and its gradients against plain loops.</summary>
public sealed class PoolKernelTests
{
    // Overlapping, padded, global, with gaps, not square.
    private static readonly WindowShape[] Windows =
    [
        Window(4, 4, 3, 2, 2, 2, 2, 0, 0), Window(7, 9, 5, 3, 3, 2, 2, 1, 1), Window(8, 8, 33, 8, 8, 8, 8, 0, 0), Window(5, 6, 2, 3, 2, 1, 1, 1, 0),
        Window(9, 7, 4, 2, 3, 4, 3, 0, 1), Window(1, 1, 1, 1, 1, 1, 1, 0, 0),
    ];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Averages_and_their_gradient(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new PoolKernels(machine.Context);
        var random = new Random(71);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var w in Windows)
            {
                foreach (var countPadding in (bool[])[false, true])
                {
                    var (x, dy) = Values(type, random, w);
                    var (y, dx) = (new double[dy.Length], new double[x.Length]);
                    ForEachWindow(w, (window, pixels) =>
                    {
                        var size = countPadding ? w.KernelHeight * w.KernelWidth : pixels.Count;
                        foreach (var pixel in pixels)
                        {
                            y[window] += x[pixel] / size;
                            dx[pixel] += dy[window] / size;
                        }
                    });
                    var (px, pdy, py, pdx) = (machine.Upload(type, x), machine.Upload(type, dy), machine.Allocate(type, y.Length), machine.Allocate(type, x.Length));
                    kernels.Average(type, w, countPadding, px, py);
                    kernels.AverageBackward(type, w, countPadding, pdy, pdx);
                    type.AssertClose(y, machine.Download(type, py, y.Length), 4, w.KernelHeight * w.KernelWidth, $"{w}", scale: 1);
                    type.AssertClose(dx, machine.Download(type, pdx, x.Length), 4, w.KernelHeight * w.KernelWidth, $"gradient of {w}", scale: 1);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Averages_over_so_many_windows_and_their_gradient(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new PoolKernels(machine.Context);
        var random = new Random(73);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var s in (AdaptivePoolShape[])[new(2, 6, 4, 3, 3, 2), new(1, 7, 9, 5, 3, 4), new(2, 3, 2, 33, 7, 5), new(1, 5, 6, 2, 1, 1)])
            {
                var x = type.Round(DeviceValues.Random(random, (long)s.Batch * s.Height * s.Width * s.Channels));
                var dy = type.Round(DeviceValues.Random(random, (long)s.Batch * s.OutHeight * s.OutWidth * s.Channels));
                var (y, dx) = (new double[dy.Length], new double[x.Length]);
                for (var i = 0; i < y.Length; i++)
                {
                    var (c, column, row, image) = (i % s.Channels, i / s.Channels % s.OutWidth, i / s.Channels / s.OutWidth % s.OutHeight, i / s.Channels / s.OutWidth / s.OutHeight);
                    var (top, bottom) = (row * s.Height / s.OutHeight, (int)Math.Ceiling((row + 1.0) * s.Height / s.OutHeight));
                    var (left, right) = (column * s.Width / s.OutWidth, (int)Math.Ceiling((column + 1.0) * s.Width / s.OutWidth));
                    for (var r = top; r < bottom; r++)
                    {
                        for (var k = left; k < right; k++)
                        {
                            var pixel = (((((image * s.Height) + r) * s.Width) + k) * s.Channels) + c;
                            y[i] += x[pixel] / ((bottom - top) * (right - left));
                            dx[pixel] += dy[i] / ((bottom - top) * (right - left));
                        }
                    }
                }

                var (px, pdy, py, pdx) = (machine.Upload(type, x), machine.Upload(type, dy), machine.Allocate(type, y.Length), machine.Allocate(type, x.Length));
                kernels.AdaptiveAverage(type, s, px, py);
                kernels.AdaptiveAverageBackward(type, s, pdy, pdx);
                type.AssertClose(y, machine.Download(type, py, y.Length), 4, s.Height * s.Width, $"{s}", scale: 1);
                type.AssertClose(dx, machine.Download(type, pdx, x.Length), 4, s.Height * s.Width, $"gradient of {s}", scale: 1);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Maxima_with_their_places_and_their_gradient(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new PoolKernels(machine.Context);
        var random = new Random(72);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var w in Windows)
            {
                var (x, dy) = Values(type, random, w);
                // Few different values, so that there are equals; here and there NaN.
                x = Array.ConvertAll(x, v => v > 0.95 ? double.NaN : Math.Round(v * 3));
                var (y, dx, index) = (new double[dy.Length], new double[x.Length], new int[dy.Length]);
                ForEachWindow(w, (window, pixels) =>
                {
                    var best = pixels[0];
                    foreach (var pixel in pixels)
                    {
                        if (x[pixel] > x[best] || (double.IsNaN(x[pixel]) && !double.IsNaN(x[best])))
                            best = pixel;
                    }

                    (y[window], index[window]) = (x[best], best / w.InChannels % (w.Height * w.Width));
                    dx[best] += dy[window];
                });
                var (px, pdy, py, pdx) = (machine.Upload(type, x), machine.Upload(type, dy), machine.Allocate(type, y.Length), machine.Allocate(type, x.Length));
                var pi = machine.Allocate<int>(index.Length);
                kernels.Max(type, w, px, py, pi);
                Assert.Equal(y, machine.Download(type, py, y.Length));
                Assert.Equal(index, machine.Download<int>(pi, index.Length));
                kernels.MaxBackward(type, w, pdy, pi, pdx);
                type.AssertClose(dx, machine.Download(type, pdx, x.Length), 4, 9, $"gradient of {w}", scale: 4);
                var alone = machine.Allocate(type, y.Length);
                kernels.Max(type, w, px, alone, 0);
                Assert.Equal(y, machine.Download(type, alone, y.Length));
            }
        }
    }

    // Of two images.
    private static WindowShape Window(int h, int w, int c, int kh, int kw, int sh, int sw, int ph, int pw) =>
        WindowShape.Pool((2, h, w, c), (kh, kw), (sh, sw), (ph, pw));

    private static (double[] X, double[] Dy) Values(DType type, Random random, in WindowShape w) => (
        type.Round(DeviceValues.Random(random, 2L * w.Height * w.Width * w.InChannels)),
        type.Round(DeviceValues.Random(random, 2L * w.OutHeight * w.OutWidth * w.InChannels)));

    // Each value of the result with the values that its window covers, row by row.
    private static void ForEachWindow(WindowShape w, Action<int, List<int>> body)
    {
        for (var i = 0; i < 2 * w.OutHeight * w.OutWidth * w.InChannels; i++)
        {
            var (c, column, row, image) = (i % w.InChannels, i / w.InChannels % w.OutWidth, i / w.InChannels / w.OutWidth % w.OutHeight, i / w.InChannels / w.OutWidth / w.OutHeight);
            var pixels = new List<int>();
            for (var r = (row * w.StrideHeight) - w.PadTop; r < (row * w.StrideHeight) - w.PadTop + w.KernelHeight; r++)
            {
                for (var k = (column * w.StrideWidth) - w.PadLeft; k < (column * w.StrideWidth) - w.PadLeft + w.KernelWidth; k++)
                {
                    if (r >= 0 && r < w.Height && k >= 0 && k < w.Width)
                        pixels.Add((((((image * w.Height) + r) * w.Width) + k) * w.InChannels) + c);
                }
            }

            body(i, pixels);
        }
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Convolutions whose stride is larger than the image and its padding, so that pixels, remainders of the stride and whole phases
/// have nothing to do. The values are small whole numbers: every sum is exact.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class ConvWideStrideTests
{
    private static readonly int Seed = Random.Shared.Next(1 << 20);

    [Fact]
    public void All_passes_equal_their_definition()
    {
        var random = new Random(Seed);
        for (var i = 0; i < 150; i++)
        {
            var (kernelHeight, kernelWidth) = (random.Next(1, 4), random.Next(1, 4));
            var (padTop, padLeft, padBottom, padRight) = (random.Next(0, 3), random.Next(0, 3), random.Next(0, 3), random.Next(0, 3));
            var (height, width) = (random.Next(Math.Max(1, kernelHeight - padTop - padBottom), 6), random.Next(Math.Max(1, kernelWidth - padLeft - padRight), 6));
            // Mostly beyond what there is, in one direction or both.
            var s = new WindowShape(
                random.Next(1, 4), height, width, random.Next(1, 6), random.Next(1, 6), kernelHeight, kernelWidth,
                random.Next(4) == 0 ? 1 : height + padTop + padBottom + random.Next(0, 4), random.Next(4) == 0 ? 2 : width + padLeft + padRight + random.Next(0, 4),
                padTop, padLeft, padBottom, padRight);
            Check(s, random);
        }
    }

    private static void Check(in WindowShape s, Random random)
    {
        var (h, w, c, o, kh, kw) = (s.Height, s.Width, s.InChannels, s.OutChannels, s.KernelHeight, s.KernelWidth);
        float[] x = Draw(s.Batch * h * w * c), weight = Draw(o * kh * kw * c), dy = Draw(s.Batch * s.OutHeight * s.OutWidth * o);
        float[] y = new float[dy.Length], dx = new float[x.Length], dw = new float[weight.Length];
        for (var n = 0; n < s.Batch; n++)
        {
            for (var at = 0; at < s.OutHeight * s.OutWidth * o; at++)
            {
                var (row, column, channel) = (at / o / s.OutWidth, at / o % s.OutWidth, at % o);
                var place = (n * s.OutHeight * s.OutWidth * o) + at;
                for (var tap = 0; tap < kh * kw * c; tap++)
                {
                    var (i, j, k) = ((row * s.StrideHeight) - s.PadTop + (tap / c / kw), (column * s.StrideWidth) - s.PadLeft + (tap / c % kw), tap % c);
                    if (i < 0 || i >= h || j < 0 || j >= w)
                        continue;
                    var (from, value) = ((((((n * h) + i) * w) + j) * c) + k, (channel * kh * kw * c) + tap);
                    y[place] += x[from] * weight[value];
                    dx[from] += dy[place] * weight[value];
                    dw[value] += dy[place] * x[from];
                }
            }
        }

        var context = $"{s}, seed {Seed}";
        fixed (float* px = x, pw = weight, pdy = dy)
        {
            using GuardedBuffer<float> gotY = new(y.Length), gotDx = new(dx.Length), gotDw = new(dw.Length);
            Conv.Forward(s, px, pw, null, gotY.Pointer);
            Same("y", y, gotY, context);
            Conv.DataGradient(s, pdy, pw, gotDx.Pointer);
            Same("dx", dx, gotDx, context);
            Conv.WeightGradient(s, px, pdy, gotDw.Pointer);
            Same("dw", dw, gotDw, context);
        }

        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.Next(-4, 5))];
    }

    private static void Same(string what, float[] wanted, GuardedBuffer<float> got, string context)
    {
        got.AssertIntact();
        for (var i = 0; i < wanted.Length; i++)
            Assert.True(wanted[i] == got.Span[i], $"{what}[{i}] is {got.Span[i]}, wanted {wanted[i]}: {context}");
    }
}

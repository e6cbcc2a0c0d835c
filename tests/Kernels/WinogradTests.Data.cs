using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <content>Operands, and what the definition makes of them.</content>
public sealed unsafe partial class WinogradTests
{
    private static WindowShape Shape(int batch, int height, int width, int inChannels, int outChannels, int pad) =>
        new(batch, height, width, inChannels, outChannels, 3, 3, 1, 1, pad, pad, pad, pad);

    private static WindowShape Strided(WindowShape s, WinogradTile tile) =>
        tile == WinogradTile.F4x4Stride2 ? s with { StrideHeight = 2, StrideWidth = 2 } : s;

    // Inputs and weights are uniform in -1 .. 1, with a variance of 1/3. The largest row of A * (|G| |B|) has the squared norm
    // 5 for F(2, 3) and 24.6 for F(4, 3) (norms of the rows of G and B; in two dimensions, hence squared), and 9.9 with strides
    // of 2 (8.9 for the even inputs, 1 for the odd ones): that amplifies the deviation of a rounding at a point. A product passes about 15 roundings of its own, and a sum of k of them is rounded
    // k times while it grows: k^2 / 2. A rounding has a deviation of 2^-24 / sqrt(3); 8 deviations for the worst of many values.
    private static double Tolerance(WinogradTile tile, int channels, double value)
    {
        var gain = tile switch
        {
            WinogradTile.F2x2 => 5,
            WinogradTile.F4x4 => 24.6,
            _ => 9.9,
        };
        var deviation = Math.Pow(2, -24) / Math.Sqrt(3) * gain * Math.Sqrt(15.0 * channels + channels * (double)channels / 2) / 3;
        // Bias, residual and their sums.
        return 8 * deviation + 4 * Math.Pow(2, -24) * (Math.Abs(value) + 2);
    }

    private static GuardedBuffer<float> Random(long count)
    {
        var buffer = new GuardedBuffer<float>(count);
        foreach (ref var value in buffer.Span)
            value = 2 * Data.Source.NextSingle() - 1;
        return buffer;
    }

    private static GuardedBuffer<double> Widen(GuardedBuffer<float> values)
    {
        var wide = new GuardedBuffer<double>(values.Span.Length);
        for (var i = 0; i < values.Span.Length; i++)
            wide.Span[i] = values.Span[i];
        return wide;
    }

    // Not disposed of: the garbage collector never frees them, the process ends soon.
    private sealed class Data
    {
        public Data(Case c)
        {
            var s = c.Shape;
            X = Random((long)s.Batch * s.Height * s.Width * s.InChannels);
            W = Random((long)s.OutChannels * 9 * s.InChannels);
            B = Random(s.OutChannels);
            R = Random(s.OutPixels * s.OutChannels);
            Expected = Define(c);
        }

        public static Random Source { get; } = new(Seed);

        public GuardedBuffer<float> X { get; }

        public GuardedBuffer<float> W { get; }

        public GuardedBuffer<float> B { get; }

        public GuardedBuffer<float> R { get; }

        public double[] Expected { get; }

        public double[] Define(Case c)
        {
            using GuardedBuffer<double> x = Widen(X), w = Widen(W), b = Widen(B);
            using var y = new GuardedBuffer<double>(R.Span.Length);
            Conv.Forward(c.Shape, x.Pointer, w.Pointer, c.Bias ? b.Pointer : null, y.Pointer);
            var expected = y.Span.ToArray();
            for (var i = 0; i < expected.Length; i++)
            {
                if (c.Residual != Residual.None)
                    expected[i] += R.Span[i];
                if (c.Relu)
                    expected[i] = Math.Max(expected[i], 0);
            }

            return expected;
        }

        /// <summary>Runs the case on this data, from some image on, and returns y without its halo.</summary>
        public float[] Run(Case c, WinogradTile tile, int firstImage = 0)
        {
            var s = c.Shape;
            using var weight = new WinogradWeight(s.OutChannels, s.InChannels, W.Pointer, tile);
            using var blockX = Block(s.Batch, s.Height, s.Width, s.InChannels, c.HaloX, out var x);
            using var blockY = Block(s.Batch, s.OutHeight, s.OutWidth, s.OutChannels, c.HaloY, out var y);
            using var blockR = Block(s.Batch, s.OutHeight, s.OutWidth, s.OutChannels, c.ResidualHalo, out var r);
            x.ClearHalo(s.Batch);
            Fill(x, s.Batch, X.Span[(firstImage * s.Height * s.Width * s.InChannels)..]);
            var residual = c.Residual switch
            {
                Residual.Own => r,
                Residual.Output => y,
                _ => default,
            };
            if (c.Residual != Residual.None)
                Fill(residual, s.Batch, R.Span[(firstImage * s.OutHeight * s.OutWidth * s.OutChannels)..]);

            Winograd.Forward(s, x, weight, new ConvEpilogue(c.Bias ? (nint)B.Pointer : 0, residual, c.Relu), y);
            blockX.AssertIntact();
            blockY.AssertIntact();
            var result = new float[s.OutPixels * s.OutChannels];
            var line = s.OutWidth * s.OutChannels;
            for (var row = 0; row < s.Batch * s.OutHeight; row++)
            {
                var place = new Span<float>(y.At(row / s.OutHeight, row % s.OutHeight, 0), line);
                place.CopyTo(result.AsSpan(row * line));
                place.Fill(float.NaN);
            }

            // What is left is the halo, which nobody may write.
            Assert.True(blockY.Span.IndexOfAnyInRange(float.NegativeInfinity, float.PositiveInfinity) < 0, "the halo of y was written");
            return result;
        }

        private static GuardedBuffer<float> Block(int images, int height, int width, int channels, int halo, out ImageView view)
        {
            view = ImageView.InBlock(null, height, width, channels, halo);
            var block = new GuardedBuffer<float>(images * view.ImageStride);
            view = ImageView.InBlock(block.Pointer, height, width, channels, halo);
            return block;
        }

        private static void Fill(ImageView view, int images, Span<float> values)
        {
            var line = view.Width * view.Channels;
            for (var row = 0; row < images * view.Height; row++)
                values.Slice(row * line, line).CopyTo(new Span<float>(view.At(row / view.Height, row % view.Height, 0), line));
        }
    }
}

using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Batch and layer normalisation against loops in double.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class NormTests
{
    private const double Eps = 1e-5;

    // rows, channels, and how far the mean lies from 0 in deviations: far away a one-pass variance would lose every digit.
    public static TheoryData<int, int, double> Sizes() => new()
    {
        { 1, 1, 0 }, { 2, 3, 0.5 }, { 17, 15, 1 }, { 64, 16, 1 }, { 65, 17, 1 }, { 1000, 48, 1 }, { 9000, 33, 100 },
        { 40_000, 3, 1000 }, { 3, 1000, 1 }, { 700, 200, 1 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Batch_norm_equals_the_oracle(int rows, int channels, double shift)
    {
        var values = new Values();
        var x = values.Floats(rows * channels, 1, shift);
        var gamma = values.Floats(channels, 0.3, 1);
        var beta = values.Floats(channels);
        var dy = values.Floats(rows * channels);
        var (mean, variance) = Statistics(x, rows, channels);
        Check<float>(Math.ScaleB(1, -23));
        Check<double>(1e-13);

        void Check<T>(double unit)
            where T : unmanaged
        {
            using var input = Buffer<T>(x);
            using var scale = Buffer<T>(gamma);
            using var offset = Buffer<T>(beta);
            using var gradient = Buffer<T>(dy);
            using var gotMean = new GuardedBuffer<T>(channels);
            using var gotVariance = new GuardedBuffer<T>(channels);
            using var y = new GuardedBuffer<T>(x.Length);
            BatchNorm.Statistics(input.Pointer, gotMean.Pointer, gotVariance.Pointer, rows, channels);
            gotMean.AssertIntact();
            gotVariance.AssertIntact();
            // Up to 64 values are added in T: 64 roundings of half the last sum on average, a quarter of a unit each.
            values.AssertClose(mean, Wide(gotMean), 8 * unit, 8 * unit);
            // Squares are added 64 at a time in T: at most 64 roundings, about their root in practice.
            values.AssertClose(variance, Wide(gotVariance), 1e-9 * unit, 64 * unit);

            // The kernel sees the rounded statistics; so does the oracle from here on.
            var (m, v) = (Wide(gotMean), Wide(gotVariance));
            BatchNorm.Normalise(
                input.Pointer, gotMean.Pointer, gotVariance.Pointer, scale.Pointer, offset.Pointer, Eps, false, y.Pointer, rows, channels);
            y.AssertIntact();
            var wanted = new double[x.Length];
            for (var i = 0; i < x.Length; i++)
            {
                var c = i % channels;
                wanted[i] = (x[i] - m[c]) / Math.Sqrt(v[c] + Eps) * gamma[c] + beta[c];
            }

            // x - mean is nearly exact where shift is large; |h| stays below about 6.
            values.AssertClose(wanted, Wide(y), 12 * unit, 4 * unit);

            using var rectified = new GuardedBuffer<T>(x.Length);
            BatchNorm.Normalise(
                input.Pointer, gotMean.Pointer, gotVariance.Pointer, scale.Pointer, offset.Pointer, Eps, true, rectified.Pointer, rows, channels);
            rectified.AssertIntact();
            // What ReLU lets through is told by the sign of the result, as the kernel rounds it.
            var normalised = Wide(y);
            Assert.Equal(Array.ConvertAll(normalised, value => Math.Max(value, 0)), Wide(rectified));
            var passed = dy.Select((value, i) => normalised[i] > 0 ? value : 0).ToArray();

            foreach (var (own, relu) in (ValueTuple<bool, bool>[])[(true, false), (false, false), (true, true), (false, true)])
            {
                using var dx = new GuardedBuffer<T>(x.Length);
                using var dGamma = new GuardedBuffer<T>(channels);
                using var dBeta = new GuardedBuffer<T>(channels);
                BatchNorm.Backward(
                    input.Pointer, gradient.Pointer, gotMean.Pointer, gotVariance.Pointer, scale.Pointer, offset.Pointer, Eps, relu, own,
                    dx.Pointer, dGamma.Pointer, dBeta.Pointer, rows, channels);
                dx.AssertIntact();
                dGamma.AssertIntact();
                dBeta.AssertIntact();
                var (wantedDx, wantedGamma, wantedBeta) = Backward(x, relu ? passed : dy, gamma, m, v, rows, channels, own);
                // Sums of rows terms of size 1: their rounding is a random walk of rows steps, 4 deviations, plus 64-row blocks.
                var sums = 4 * unit * Math.Sqrt(64.0 * rows);
                values.AssertClose(wantedGamma, Wide(dGamma), sums + 8 * unit, 8 * unit);
                values.AssertClose(wantedBeta, Wide(dBeta), sums + 8 * unit, 8 * unit);
                // rstd scales everything: it is large where a column is constant (one row).
                values.AssertClose(wantedDx, Wide(dx), 60 * unit * (1 / Math.Sqrt(v.Min() + Eps)), 8 * unit);

                // Over dy: the same bits.
                using var inPlace = Buffer<T>(dy);
                BatchNorm.Backward(
                    input.Pointer, inPlace.Pointer, gotMean.Pointer, gotVariance.Pointer, scale.Pointer, offset.Pointer, Eps, relu, own,
                    inPlace.Pointer, dGamma.Pointer, dBeta.Pointer, rows, channels);
                inPlace.AssertIntact();
                Assert.Equal(Wide(dx), Wide(inPlace));
            }
        }
    }

    [Fact]
    public void Running_statistics_move_by_the_momentum()
    {
        const int Channels = 37;
        var values = new Values();
        float[] mean = values.Floats(Channels), variance = values.Floats(Channels, 1, 3);
        float[] oldMean = values.Floats(Channels), oldVariance = values.Floats(Channels, 1, 3);
        using var runningMean = new GuardedBuffer<float>(oldMean);
        using var runningVariance = new GuardedBuffer<float>(oldVariance);
        fixed (float* m = mean)
        fixed (float* v = variance)
            BatchNorm.Track(m, v, runningMean.Pointer, runningVariance.Pointer, 0.1, 65 / 64.0, Channels);
        runningMean.AssertIntact();
        runningVariance.AssertIntact();
        for (var c = 0; c < Channels; c++)
        {
            Assert.Equal((float)(0.9 * oldMean[c] + 0.1 * mean[c]), runningMean.Span[c]);
            Assert.Equal((float)(0.9 * oldVariance[c] + 0.1 * (variance[c] * (65 / 64.0))), runningVariance.Span[c]);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 15)]
    [InlineData(5, 16)]
    [InlineData(6, 17)]
    [InlineData(9, 33)]
    [InlineData(300, 192)]
    [InlineData(4, 3001)]
    public void Layer_norm_equals_the_oracle(int rows, int d)
    {
        var values = new Values();
        var x = values.Floats(rows * d, 1, 2);
        var gamma = values.Floats(d, 0.3, 1);
        var beta = values.Floats(d);
        var dy = values.Floats(rows * d);
        Check<float>(Math.ScaleB(1, -23));
        Check<double>(1e-13);

        void Check<T>(double unit)
            where T : unmanaged
        {
            using var input = Buffer<T>(x);
            using var scale = Buffer<T>(gamma);
            using var offset = Buffer<T>(beta);
            using var gradient = Buffer<T>(dy);
            using var y = new GuardedBuffer<T>(x.Length);
            using var mean = new GuardedBuffer<T>(rows);
            using var rstd = new GuardedBuffer<T>(rows);
            using var dx = new GuardedBuffer<T>(x.Length);
            using var dGamma = new GuardedBuffer<T>(d);
            using var dBeta = new GuardedBuffer<T>(d);
            LayerNorm.Forward(input.Pointer, scale.Pointer, offset.Pointer, Eps, y.Pointer, mean.Pointer, rstd.Pointer, rows, d);
            LayerNorm.Backward(
                input.Pointer, gradient.Pointer, scale.Pointer, mean.Pointer, rstd.Pointer, dx.Pointer, dGamma.Pointer, dBeta.Pointer,
                rows, d);
            y.AssertIntact();
            mean.AssertIntact();
            rstd.AssertIntact();
            dx.AssertIntact();
            dGamma.AssertIntact();
            dBeta.AssertIntact();

            var (wantedY, wantedDx) = (new double[x.Length], new double[x.Length]);
            var (wantedGamma, wantedBeta) = (new double[d], new double[d]);
            var largest = 0.0;
            for (var r = 0; r < rows; r++)
            {
                var row = x.AsSpan(r * d, d);
                double m = 0, v = 0, sum = 0, product = 0;
                foreach (var value in row)
                    m += value / (double)d;
                foreach (var value in row)
                    v += (value - m) * (value - m) / d;
                var s = 1 / Math.Sqrt(v + Eps);
                largest = Math.Max(largest, s);
                for (var c = 0; c < d; c++)
                {
                    var h = (row[c] - m) * s;
                    var g = (double)gamma[c] * dy[r * d + c];
                    wantedY[r * d + c] = h * gamma[c] + beta[c];
                    wantedGamma[c] += dy[r * d + c] * h;
                    wantedBeta[c] += dy[r * d + c];
                    sum += g;
                    product += g * h;
                }

                for (var c = 0; c < d; c++)
                {
                    var h = (row[c] - m) * s;
                    wantedDx[r * d + c] = s * (gamma[c] * (double)dy[r * d + c] - sum / d - h * product / d);
                }
            }

            using var inPlace = Buffer<T>(dy);
            LayerNorm.Backward(
                input.Pointer, inPlace.Pointer, scale.Pointer, mean.Pointer, rstd.Pointer, inPlace.Pointer, dGamma.Pointer, dBeta.Pointer, rows, d);
            inPlace.AssertIntact();
            Assert.Equal(Wide(dx), Wide(inPlace));

            // The mean, about 2, is rounded, and rstd multiplies that: up to 300 for a row of one value.
            var scaled = unit * (1 + largest);
            values.AssertClose(wantedY, Wide(y), 12 * scaled, 8 * unit);
            values.AssertClose(wantedGamma, Wide(dGamma), 12 * scaled * Math.Sqrt(rows), 8 * unit);
            values.AssertClose(wantedBeta, Wide(dBeta), 8 * unit * Math.Sqrt(rows), 8 * unit);
            values.AssertClose(wantedDx, Wide(dx), 30 * scaled * Math.Max(1, largest), 8 * unit);
        }
    }

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        const int Rows = 20_000, Channels = 24;
        var x = new Values(23).Floats(Rows * Channels, 1, 3);
        Threads.AssertSameBits(() =>
        {
            var results = new float[4 * Channels + 2 * Rows * Channels];
            fixed (float* px = x)
            fixed (float* p = results)
            {
                var y = p + 4 * Channels;
                BatchNorm.Statistics(px, p, p + Channels, Rows, Channels);
                BatchNorm.Normalise(px, p, p + Channels, p + Channels, p, Eps, true, y, Rows, Channels);
                BatchNorm.Backward(
                    px, y, p, p + Channels, p + Channels, p, Eps, true, true, y + Rows * Channels, p + 2 * Channels, p + 3 * Channels, Rows, Channels);
            }

            return results;
        });
    }

    private static GuardedBuffer<T> Buffer<T>(float[] values)
        where T : unmanaged
    {
        var buffer = new GuardedBuffer<T>(values.Length);
        for (var i = 0; i < values.Length; i++)
            buffer.Span[i] = Scalar.Narrow<T>(values[i]);
        return buffer;
    }

    private static double[] Wide<T>(GuardedBuffer<T> buffer)
        where T : unmanaged
    {
        var values = new double[buffer.Span.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = Scalar.Wide(buffer.Span[i]);
        return values;
    }

    private static (double[] Mean, double[] Variance) Statistics(float[] x, int rows, int channels)
    {
        var (mean, variance) = (new double[channels], new double[channels]);
        for (var i = 0; i < x.Length; i++)
            mean[i % channels] += x[i] / (double)rows;
        for (var i = 0; i < x.Length; i++)
        {
            var deviation = x[i] - mean[i % channels];
            variance[i % channels] += deviation * deviation / rows;
        }

        return (mean, variance);
    }

    private static (double[] Dx, double[] DGamma, double[] DBeta) Backward(
        float[] x, float[] dy, float[] gamma, double[] mean, double[] variance, int rows, int channels, bool own)
    {
        var (dx, dGamma, dBeta) = (new double[x.Length], new double[channels], new double[channels]);
        double H(int i) => (x[i] - mean[i % channels]) / Math.Sqrt(variance[i % channels] + Eps);
        for (var i = 0; i < x.Length; i++)
        {
            dGamma[i % channels] += dy[i] * H(i);
            dBeta[i % channels] += dy[i];
        }

        for (var i = 0; i < x.Length; i++)
        {
            var c = i % channels;
            var rest = own ? dBeta[c] / rows + H(i) * dGamma[c] / rows : 0;
            dx[i] = gamma[c] / Math.Sqrt(variance[c] + Eps) * (dy[i] - rest);
        }

        return (dx, dGamma, dBeta);
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>The kernels of plans that are no convolutions, on images with and without halos, against their definition in double.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class ViewKernelTests
{
    private readonly Values _values = new();

    // Images, height, width, channels; halos of x, the residual and y; a residual halo of -1 is none, -2 is y itself.
    [Theory]
    [InlineData(2, 3, 5, 17, 0, -1, 0)]
    [InlineData(1, 1, 1, 1, 2, 1, 3)]
    [InlineData(3, 8, 8, 48, 1, 0, 2)]
    [InlineData(2, 7, 4, 3, 0, 2, 1)]
    [InlineData(2, 7, 4, 33, 1, -2, 1)]
    [InlineData(0, 2, 2, 2, 1, 1, 1)]
    [InlineData(5, 40, 40, 20, 1, 1, 1)]
    public void Pointwise_equals_its_definition(int n, int h, int w, int c, int haloX, int haloResidual, int haloY)
    {
        foreach (var (affine, relu) in new[] { (false, false), (true, false), (false, true), (true, true) })
        {
            using var x = new Images(_values, n, h, w, c, haloX);
            using var y = new Images(_values, n, h, w, c, haloY);
            using var other = new Images(_values, n, h, w, c, Math.Max(haloResidual, 0));
            using var scale = new GuardedBuffer<float>(_values.Floats(c));
            using var shift = new GuardedBuffer<float>(_values.Floats(c));
            if (n > 0)
                *x.View.At(0, 0, 0) = float.NaN;
            var residual = haloResidual == -2 ? y : haloResidual == -1 ? null : other;
            var addend = residual?.Values() ?? new float[x.Values().Length];
            var wanted = x.Values().Select((v, i) =>
            {
                var value = (affine ? ((double)v * scale.Span[i % c]) + shift.Span[i % c] : v) + addend[i];
                return relu && value < 0 ? 0 : value;
            }).ToArray();
            Pointwise.Run(n, x.View, affine ? scale.Pointer : null, affine ? shift.Pointer : null, residual?.View ?? default, relu, y.View);
            // One FMA and one addition of numbers of size 1.
            _values.AssertClose(wanted, y.Values(), 2e-6, 2e-7);
            y.AssertHaloUntouched();
        }
    }

    [Theory]
    [InlineData(2, 8, 6, 5, 2, 2, 0, 0, 0)]
    [InlineData(3, 9, 8, 17, 3, 2, 1, 1, 2)]
    [InlineData(1, 8, 8, 96, 8, 8, 0, 0, 0)]
    [InlineData(4, 1, 1, 2, 1, 1, 0, 3, 1)]
    [InlineData(1, 30, 31, 64, 3, 1, 1, 1, 1)]
    [InlineData(0, 4, 4, 3, 2, 2, 0, 0, 0)]
    public void Pools_equal_their_definition(int n, int h, int w, int c, int kernel, int stride, int padding, int haloX, int haloY)
    {
        var s = WindowShape.Pool((n, h, w, c), (kernel, kernel), (stride, stride), (padding, padding));
        using var x = new Images(_values, n, h, w, c, haloX);
        using var y = new Images(_values, n, s.OutHeight, s.OutWidth, c, haloY);
        var values = x.Values();
        foreach (var (largest, countPadding) in new[] { (true, false), (false, false), (false, true) })
        {
            var wanted = new double[n * s.OutHeight * s.OutWidth * c];
            for (var i = 0; i < wanted.Length; i++)
            {
                var (channel, column, row, image) = (i % c, i / c % s.OutWidth, i / c / s.OutWidth % s.OutHeight, i / c / s.OutWidth / s.OutHeight);
                var window = new List<double>();
                for (var at = 0; at < kernel * kernel; at++)
                {
                    var (yy, xx) = ((row * stride) - padding + (at / kernel), (column * stride) - padding + (at % kernel));
                    if (yy >= 0 && yy < h && xx >= 0 && xx < w)
                        window.Add(values[(((((image * h) + yy) * w) + xx) * c) + channel]);
                }

                wanted[i] = largest ? window.Max() : window.Sum() / (countPadding ? kernel * kernel : window.Count);
            }

            if (largest)
                ViewPool.Max(s, x.View, y.View);
            else
                ViewPool.Average(s, countPadding, x.View, y.View);
            // Means of up to 64 numbers of size 1.
            _values.AssertClose(wanted, y.Values(), largest ? 0 : 2e-6);
            y.AssertHaloUntouched();
        }
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(2, 5, 7, 12, 3)]
    [InlineData(3, 17, 17, 32, 2)]
    [InlineData(1, 65, 33, 64, 1)]
    [InlineData(0, 4, 4, 8, 2)]
    public void Attention_equals_its_definition(int n, int queries, int keys, int width, int heads)
    {
        using var q = new GuardedBuffer<float>(_values.Floats((long)n * queries * width));
        using var k = new GuardedBuffer<float>(_values.Floats((long)n * keys * width));
        using var v = new GuardedBuffer<float>(_values.Floats((long)n * keys * width));
        using var y = new GuardedBuffer<float>((long)n * queries * width);
        var size = width / heads;
        var wanted = new double[n * queries * width];
        for (var at = 0; at < n * heads * queries; at++)
        {
            var (query, head, image) = (at % queries, at / queries % heads, at / queries / heads);
            var scores = new double[keys];
            for (var key = 0; key < keys; key++)
            {
                for (var i = 0; i < size; i++)
                    scores[key] += (double)q.Span[(((image * queries) + query) * width) + (head * size) + i] * k.Span[(((image * keys) + key) * width) + (head * size) + i];
                scores[key] /= Math.Sqrt(size);
            }

            var largest = scores.Max();
            var weights = scores.Select(s => Math.Exp(s - largest)).ToArray();
            for (var i = 0; i < size; i++)
            {
                wanted[(((image * queries) + query) * width) + (head * size) + i] =
                    Enumerable.Range(0, keys).Sum(key => weights[key] * v.Span[(((image * keys) + key) * width) + (head * size) + i]) / weights.Sum();
            }
        }

        CpuThreads.ForEach([1, 2, 5], _ =>
        {
            y.Span.Fill(float.NaN);
            Attention.Forward(n, queries, keys, width, heads, q.Pointer, k.Pointer, v.Pointer, y.Pointer);
            // Scores err by some √64 2^-24 of their size of up to 5; the weights by as much, relatively.
            _values.AssertClose(wanted, y.Span, 1e-5);
            y.AssertIntact();
        });
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 1, 3, 1)]
    [InlineData(2, 5, 7, 12, 3, 37, 1)]
    [InlineData(3, 17, 17, 32, 2, 96, 0)]
    [InlineData(1, 65, 65, 64, 1, 203, 5)]
    public void Attention_reads_columns_of_wider_matrices(int n, int queries, int keys, int width, int heads, int pitch, int offset)
    {
        // q at a column of one matrix, v and k at others of another one, whose tokens stand apart by another step.
        var (step, first, second) = (pitch + (2 * width) + 3, offset + 1, offset + 2 + width);
        using var one = new GuardedBuffer<float>(_values.Floats((long)n * queries * pitch));
        using var two = new GuardedBuffer<float>(_values.Floats((long)n * keys * step));
        using var q = new GuardedBuffer<float>(Columns(one, n * queries, pitch, offset));
        using var k = new GuardedBuffer<float>(Columns(two, n * keys, step, first));
        using var v = new GuardedBuffer<float>(Columns(two, n * keys, step, second));
        using var y = new GuardedBuffer<float>((long)n * queries * width);
        Attention.Forward(n, queries, keys, width, heads, q.Pointer, k.Pointer, v.Pointer, y.Pointer);
        var wanted = y.Span.ToArray();
        CpuThreads.ForEach([1, 3], _ =>
        {
            y.Span.Fill(float.NaN);
            Attention.Forward(
                n, queries, keys, width, heads, one.Pointer + offset, pitch, two.Pointer + first, step, two.Pointer + second, step, y.Pointer);
            // The same sums, in panels of the same size.
            _values.AssertClose(Array.ConvertAll(wanted, value => (double)value), y.Span, 1e-5);
            y.AssertIntact();
        });

        float[] Columns(GuardedBuffer<float> from, int rows, int apart, int column)
        {
            var all = from.Span.ToArray();
            return [.. Enumerable.Range(0, rows * width).Select(i => all[(i / width * apart) + column + (i % width)])];
        }
    }

    [Theory]
    [InlineData(2, 8, 6, 16, 2, 8, 8, 0, 1)]
    [InlineData(3, 7, 5, 5, 2, 3, 2, 1, 0)]
    [InlineData(1, 4, 4, 3, 3, 0, 1, 2, 2)]
    [InlineData(2, 3, 3, 4, 1, 0, 0, 0, 3)]
    [InlineData(1, 1, 1, 1, 2, 1, 0, 0, 0)]
    [InlineData(0, 4, 4, 3, 2, 1, 1, 0, 0)]
    [InlineData(9, 40, 40, 24, 2, 12, 12, 1, 1)]
    public void Subsampling_equals_its_definition(int n, int h, int w, int c, int stride, int before, int after, int haloX, int haloY)
    {
        var (oh, ow, all) = ((h + stride - 1) / stride, (w + stride - 1) / stride, before + c + after);
        using var x = new Images(_values, n, h, w, c, haloX);
        using var y = new Images(_values, n, oh, ow, all, haloY);
        var values = x.Values();
        float[] wanted =
        [
            .. Enumerable.Range(0, n * oh * ow * all).Select(i =>
            {
                var (k, column, row, image) = ((i % all) - before, i / all % ow * stride, i / all / ow % oh * stride, i / all / ow / oh);
                return k < 0 || k >= c ? 0 : values[(((((image * h) + row) * w) + column) * c) + k];
            }),
        ];
        Subsample.Run(n, stride, before, x.View, y.View);
        Assert.Equal(wanted, y.Values());
        y.AssertHaloUntouched();
    }

    [Fact]
    public void Views_of_other_sizes_are_refused()
    {
        using var small = new Images(_values, 1, 2, 2, 3, 0);
        using var large = new Images(_values, 1, 3, 2, 3, 0);
        Assert.Throws<ArgumentException>(() => Pointwise.Run(1, small.View, null, null, default, false, large.View));
        Assert.Throws<ArgumentException>(() => Pointwise.Run(1, small.View, null, null, large.View, false, small.View));
        Assert.Throws<ArgumentException>(() => Subsample.Run(1, 2, 0, small.View, large.View));
        Assert.Throws<ArgumentException>(() => Subsample.Run(1, 1, 1, small.View, small.View));
        Assert.Throws<ArgumentException>(() => ViewPool.Max(WindowShape.Pool((1, 2, 2, 3), (1, 1), (1, 1), (0, 0)), small.View, large.View));
    }

    /// <summary>Random images in a guarded block; the halo holds a mark that no kernel may write, or use in a result.</summary>
    private sealed class Images : IDisposable
    {
        private const float Mark = 1e30f;

        private readonly GuardedBuffer<float> _block;
        private readonly int _n;

        public Images(Values values, int n, int h, int w, int c, int halo)
        {
            _n = n;
            _block = new GuardedBuffer<float>((long)n * (h + (2 * halo)) * (w + (2 * halo)) * c);
            _block.Span.Fill(Mark);
            View = ImageView.InBlock(_block.Pointer, h, w, c, halo);
            var random = values.Floats((long)n * h * w * c);
            for (var i = 0; i < random.Length; i++)
                At(i) = random[i];
        }

        public ImageView View { get; }

        public float[] Values() => [.. Enumerable.Range(0, _n * View.Height * View.Width * View.Channels).Select(i => At(i))];

        public void AssertHaloUntouched()
        {
            _block.AssertIntact();
            Assert.Equal(_block.Span.Length - Values().Length, _block.Span.Count(Mark));
        }

        public void Dispose() => _block.Dispose();

        private ref float At(int i)
        {
            var (c, x, y, n) = (i % View.Channels, i / View.Channels % View.Width, i / View.Channels / View.Width % View.Height, i / View.Channels / View.Width / View.Height);
            return ref View.At(n, y, x)[c];
        }
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Random masks, optimizer steps, images to numbers.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe class TrainingKernelTests
{
    private static readonly int[] Sizes = [0, 1, 2, 15, 16, 17, 33, 1000, 140_001];

    [Fact]
    public void Uniform_numbers_are_the_words_of_the_stream()
    {
        foreach (var n in Sizes)
        {
            using var y = new GuardedBuffer<float>(n);
            using var wide = new GuardedBuffer<double>(n);
            // Blocks from just below 2^32 to above it: both halves of the counter count.
            const ulong Offset = (1UL << 34) - 500 + 5;
            RandomFill.Uniform(y.Pointer, n, seed: 7, stream: 3UL << 32, Offset);
            RandomFill.Uniform(wide.Pointer, n, seed: 7, stream: 3UL << 32, Offset);
            y.AssertIntact();
            wide.AssertIntact();
            for (var i = 0; i < n; i++)
            {
                Assert.Equal(Philox.ToUniform(Philox.Word(7, 3UL << 32, Offset + (ulong)i)), y.Span[i]);
                Assert.Equal(y.Span[i], wide.Span[i]);
            }
        }
    }

    [Fact]
    public void Dropout_keeps_what_its_mask_says()
    {
        foreach (var n in Sizes)
        {
            foreach (var p in (double[])[0, 0.3, 0.9999])
            {
                var values = new Values();
                var x = values.Floats(n);
                using var input = new GuardedBuffer<float>(x);
                using var y = new GuardedBuffer<float>(n);
                using var mask = new GuardedBuffer<byte>(n);
                RandomFill.Dropout(input.Pointer, y.Pointer, mask.Pointer, p, n, 11, 0, 2);
                y.AssertIntact();
                mask.AssertIntact();
                for (var i = 0; i < n; i++)
                {
                    var kept = Philox.ToUniform(Philox.Word(11, 0, 2 + (ulong)i)) >= p;
                    Assert.Equal(kept ? 1 : 0, mask.Span[i]);
                    Assert.Equal(kept ? (float)(x[i] * (double)(float)(1 / (1 - p))) : 0f, y.Span[i]);
                }

                RandomFill.ApplyMask(input.Pointer, mask.Pointer, 1 / (1 - p), input.Pointer, n);
                input.AssertIntact();
                Assert.Equal(y.Span, input.Span);
                if (n > 100_000)
                    Assert.Equal(1 - p, mask.Span.ToArray().Average(m => (double)m), 0.005); // 4 deviations of a mean of 140,001
            }
        }
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0, 5e-4, false)]
    [InlineData(0.9, 5e-4, false)]
    [InlineData(0.9, 5e-4, true)]
    public void Sgd_follows_pytorch(double momentum, double decay, bool nesterov)
    {
        foreach (var n in Sizes)
        {
            var values = new Values();
            var w = values.Floats(n);
            using var weight = new GuardedBuffer<float>(w);
            using var velocity = new GuardedBuffer<float>(new float[n]);
            var wanted = Values.Wide(w);
            var speed = new double[n];
            for (var step = 0; step < 3; step++)
            {
                var g = values.Floats(n);
                using var gradient = new GuardedBuffer<float>(g);
                Optimizers.Sgd<float>(
                    [new(weight.Pointer, gradient.Pointer, momentum == 0 ? null : velocity.Pointer, null, n)], 0.1, momentum, decay, nesterov);
                for (var i = 0; i < n; i++)
                {
                    var d = g[i] + decay * wanted[i];
                    speed[i] = momentum * speed[i] + d;
                    wanted[i] -= 0.1 * (momentum == 0 ? d : nesterov ? d + momentum * speed[i] : speed[i]);
                }
            }

            weight.AssertIntact();
            velocity.AssertIntact();
            values.AssertClose(wanted, weight.Span, 1e-6, 1e-6);
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0.01, false)]
    [InlineData(0.01, true)]
    public void Adam_follows_pytorch(double decay, bool decoupled)
    {
        foreach (var n in Sizes)
        {
            var values = new Values();
            var w = values.Floats(n);
            using var weight = new GuardedBuffer<float>(w);
            using var first = new GuardedBuffer<float>(new float[n]);
            using var second = new GuardedBuffer<float>(new float[n]);
            using var wideWeight = new GuardedBuffer<double>(Values.Wide(w));
            using var wideFirst = new GuardedBuffer<double>(new double[n]);
            using var wideSecond = new GuardedBuffer<double>(new double[n]);
            var wanted = Values.Wide(w);
            var (m, v) = (new double[n], new double[n]);
            for (var step = 1; step <= 3; step++)
            {
                // Away from 0: where decay cancels the gradient, m / sqrt(v) is the sign of a rounding.
                var g = Array.ConvertAll(values.Floats(n), v => MathF.CopySign(Math.Max(Math.Abs(v), 0.1f), v));
                using var gradient = new GuardedBuffer<float>(g);
                using var wideGradient = new GuardedBuffer<double>(Values.Wide(g));
                Optimizers.Adam<float>(
                    [new(weight.Pointer, gradient.Pointer, first.Pointer, second.Pointer, n)], 1e-2, 0.9, 0.999, 1e-8, decay, decoupled, step);
                Optimizers.Adam<double>(
                    [new(wideWeight.Pointer, wideGradient.Pointer, wideFirst.Pointer, wideSecond.Pointer, n)], 1e-2, 0.9, 0.999, 1e-8, decay,
                    decoupled, step);
                for (var i = 0; i < n; i++)
                {
                    if (decoupled)
                        wanted[i] *= 1 - 1e-2 * decay;
                    var d = g[i] + (decoupled ? 0 : decay * wanted[i]);
                    m[i] = 0.9 * m[i] + 0.1 * d;
                    v[i] = 0.999 * v[i] + 0.001 * d * d;
                    wanted[i] -= 1e-2 / (1 - Math.Pow(0.9, step)) * m[i] / (Math.Sqrt(v[i]) / Math.Sqrt(1 - Math.Pow(0.999, step)) + 1e-8);
                }
            }

            weight.AssertIntact();
            first.AssertIntact();
            second.AssertIntact();
            wideWeight.AssertIntact();
            // Steps of 1e-2, each good to 1e-6 of itself unless m cancels, which leaves 1e-6 of the terms.
            values.AssertClose(wanted, weight.Span, 1e-6, 1e-6);
            values.AssertClose(wanted, wideWeight.Span, 1e-13, 1e-13);
        }
    }

    // One call for all: the bits of a call for each, whatever their sizes; a tensor of no values among them.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Many_tensors_at_once_give_the_bits_of_one_at_a_time(bool adam)
    {
        var values = new Values();
        var together = Sizes.Select(n => Fresh(n)).ToArray();
        var alone = together.Select(t => Array.ConvertAll(t, b => new GuardedBuffer<float>(b.Span.ToArray()))).ToArray();
        Step(together.Select(Of).ToArray());
        foreach (var tensor in alone)
            Step(Of(tensor));
        foreach (var (a, b) in together.Zip(alone).SelectMany(p => p.First.Zip(p.Second)))
        {
            a.AssertIntact();
            Assert.Equal(b.Span, a.Span);
            a.Dispose();
            b.Dispose();
        }

        GuardedBuffer<float>[] Fresh(int n) =>
            [.. Enumerable.Range(0, 4).Select(i => new GuardedBuffer<float>(values.Floats(n, 1, i == 3 ? 9 : 0)))];

        OptimizerTensor<float> Of(GuardedBuffer<float>[] t) => new(t[0].Pointer, t[1].Pointer, t[2].Pointer, t[3].Pointer, t[0].Span.Length);

        void Step(params ReadOnlySpan<OptimizerTensor<float>> tensors)
        {
            if (adam)
                Optimizers.Adam(tensors, 1e-2, 0.9, 0.999, 1e-8, 0.01, decoupled: false, 3);
            else
                Optimizers.Sgd(tensors, 0.1, 0.9, 5e-4, nesterov: true);
        }
    }

    [Theory]
    [InlineData(3, 5, 7, 3, 1)]
    [InlineData(1, 1, 1, 3, 2)]
    [InlineData(2, 4, 9, 1, 0)]
    [InlineData(2, 3, 2, 1, 1)]
    [InlineData(2, 3, 5, 4, 3)]
    [InlineData(40, 32, 32, 3, 1)]
    public void Bytes_go_through_the_table_into_images_with_a_halo(int n, int height, int width, int channels, int halo)
    {
        var values = new Values();
        var x = Array.ConvertAll(values.Ints((long)n * height * width * channels, 256), v => (byte)v);
        var table = values.Floats(channels * 256);
        var size = new ImageView(0, height, width, channels, halo);
        using var input = new GuardedBuffer<byte>(x);
        using var numbers = new GuardedBuffer<float>(table);
        using var block = new GuardedBuffer<float>(n * size.ImageStride);
        var y = ImageView.InBlock(block.Pointer, height, width, channels, halo);
        CpuThreads.ForEach([1, 3], threads =>
        {
            block.Span.Fill(-7);
            EscNative.Kernels.Cpu.Images.ToHalo(input.Pointer, numbers.Pointer, y, n);
            block.AssertIntact();
            for (var i = 0; i < x.Length; i++)
            {
                var at = y.At(i / (height * width * channels), i / (width * channels) % height, i / channels % width);
                Assert.Equal(table[i % channels * 256 + x[i]], at[i % channels]);
            }

            // Nothing else was written: the halo still holds what it held.
            Assert.Equal(block.Span.Length - x.Length, block.Span.ToArray().Count(v => v == -7));
        });
    }

    [Fact]
    public void Bits_do_not_depend_on_threads()
    {
        var x = new Values(31).Floats(200_001);
        Threads.AssertSameBits(() =>
        {
            var y = new float[x.Length];
            var mask = new byte[x.Length];
            fixed (float* px = x)
            fixed (float* py = y)
            fixed (byte* pm = mask)
            {
                RandomFill.Dropout(px, py, pm, 0.5, x.Length, 1, 2, 3);
                Optimizers.Sgd<float>([new(py, px, null, null, x.Length)], 0.1, 0, 0.01, false);
            }

            return y;
        });
    }
}

using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Winograd convolutions against the definition in double, with guards around every output.</summary>
[Collection(CpuThreads.Collection)]
public sealed unsafe partial class WinogradTests
{
    private static readonly int Seed = Environment.TickCount & 0xFFFF;

    public enum Residual
    {
        None,
        Own,
        Output,
    }

    /// <summary>A convolution, where its images lie and what it does besides.</summary>
    public sealed record Case(WindowShape Shape, int HaloX, int HaloY, Residual Residual, int ResidualHalo, bool Bias, bool Relu);

    public static TheoryData<Case, WinogradTile> Cases()
    {
        var data = new TheoryData<Case, WinogradTile>();
        foreach (var tile in Enum.GetValues<WinogradTile>())
        {
            // batch, height, width, in, out, padding; halos of x and y
            Add(new(Shape(1, 1, 1, 1, 1, 1), 0, 0, Residual.None, 0, false, false));
            Add(new(Shape(0, 5, 5, 3, 4, 1), 1, 1, Residual.None, 0, true, false));
            Add(new(Shape(2, 2, 3, 3, 16, 1), 1, 0, Residual.Own, 2, true, true));
            Add(new(Shape(3, 3, 3, 16, 17, 0), 0, 1, Residual.None, 0, true, true));
            Add(new(Shape(2, 2, 2, 4, 4, 0), 0, 0, Residual.None, 0, true, true));
            Add(new(Shape(5, 4, 4, 17, 48, 1), 1, 1, Residual.Output, 1, true, true));
            Add(new(Shape(4, 5, 9, 48, 96, 1), 0, 2, Residual.Own, 0, false, true));
            Add(new(Shape(3, 7, 7, 96, 48, 1), 1, 1, Residual.Own, 1, true, false));
            Add(new(Shape(2, 8, 8, 96, 96, 1), 1, 1, Residual.Output, 1, true, true));
            Add(new(Shape(1, 33, 17, 130, 50, 1), 2, 0, Residual.Own, 3, true, true));
            Add(new(Shape(1, 17, 33, 48, 130, 2), 1, 1, Residual.None, 0, true, false));
            Add(new(Shape(2, 6, 6, 5, 112, 2), 2, 0, Residual.None, 0, false, false));
            Add(new(new WindowShape(2, 6, 7, 20, 33, 3, 3, 1, 1, 0, 3, 2, 1), 1, 1, Residual.Output, 1, true, false));
            Add(new(Shape(2, 5, 5, 0, 8, 1), 1, 0, Residual.Own, 0, true, true));
            Add(new(Shape(2, 5, 5, 8, 0, 1), 1, 0, Residual.None, 0, false, false));
            // A halo wider than the padding; several blocks of tiles and a rest.
            Add(new(Shape(3, 32, 32, 16, 16, 1), 3, 1, Residual.None, 0, true, true));
            Add(new(Shape(13, 8, 8, 64, 64, 1), 1, 1, Residual.None, 0, true, true));

            void Add(Case c) => data.Add(c with { Shape = Strided(c.Shape, tile) }, tile);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_its_definition(Case c, WinogradTile tile)
    {
        var data = new Data(c);
        CpuThreads.ForEach([1, 3], threads =>
        {
            var y = data.Run(c, tile);
            for (var i = 0; i < y.Length; i++)
            {
                var wanted = data.Expected[i];
                if (!(Math.Abs(y[i] - wanted) <= Tolerance(tile, c.Shape.InChannels, wanted)))
                    Assert.Fail($"y[{i}]: {y[i]}, wants {wanted}; {threads} threads, seed {Seed}");
            }
        });
    }

    [Theory]
    [InlineData(WinogradTile.F4x4, 1, 16, 96, 96)]
    [InlineData(WinogradTile.F4x4, 1, 8, 96, 130)]
    [InlineData(WinogradTile.F4x4, 9, 32, 48, 48)]
    [InlineData(WinogradTile.F2x2, 1, 15, 64, 64)]
    [InlineData(WinogradTile.F2x2, 7, 16, 96, 40)]
    [InlineData(WinogradTile.F4x4Stride2, 1, 31, 48, 96)]
    [InlineData(WinogradTile.F4x4Stride2, 5, 32, 48, 64)]
    public void Results_are_equal_bit_for_bit_for_any_number_of_threads_and_images(
        WinogradTile tile, int batch, int size, int inChannels, int outChannels)
    {
        var c = new Case(Strided(Shape(batch, size, size, inChannels, outChannels, 1), tile), 1, 1, Residual.Own, 0, true, true);
        Assert.True(c.Shape.Flops > 4e6, "too small to run in parallel");
        var data = new Data(c);
        float[]? expected = null;
        CpuThreads.ForEach([1, 2, 3, 8, 2], threads =>
        {
            var y = data.Run(c, tile);
            Assert.True(y.AsSpan().SequenceEqual(expected ??= y), $"{threads} threads, seed {Seed}");
        });

        for (var image = 0; image < batch; image++)
        {
            var alone = data.Run(c with { Shape = c.Shape with { Batch = 1 } }, tile, image);
            Assert.True(expected.AsSpan(image * alone.Length, alone.Length).SequenceEqual(alone), $"image {image}, seed {Seed}");
        }
    }

    [Theory]
    [InlineData(WinogradTile.F2x2)]
    [InlineData(WinogradTile.F4x4)]
    [InlineData(WinogradTile.F4x4Stride2)]
    public void Not_a_number_stays_one_and_reaches_no_tile_that_does_not_read_it(WinogradTile tile)
    {
        var c = new Case(Strided(Shape(2, 24, 24, 16, 20, 1), tile), 1, 0, Residual.None, 0, true, true);
        var (width, stride) = (c.Shape.OutWidth, c.Shape.StrideHeight);
        var data = new Data(c);
        var clean = data.Run(c, tile);
        data.X.Span[((24 + 5) * 24 + 6) * 16 + 3] = float.NaN;
        var y = data.Run(c, tile);
        var outputs = tile == WinogradTile.F2x2 ? 2 : 4;
        var unchanged = 0;
        for (var i = 0; i < y.Length; i++)
        {
            var (image, row, column) = (i / 20 / width / width, i / 20 / width % width, i / 20 % width);
            if (image == 1 && Math.Abs(row * stride - 5) <= 1 && Math.Abs(column * stride - 6) <= 1)
            {
                Assert.True(float.IsNaN(y[i]), $"({row}, {column}): {y[i]}");
            }
            else if (image == 0 || !Reads(row, 5) || !Reads(column, 6))
            {
                Assert.Equal(clean[i], y[i]);
                unchanged++;
            }
        }

        Assert.InRange(unchanged, y.Length / 2 + 1, y.Length - 1);

        // A tile that begins at output t reads the rows around its outputs.
        bool Reads(int at, int pixel)
        {
            var first = at / outputs * outputs * stride - 1;
            return pixel >= first && pixel <= first + (outputs - 1) * stride + 2;
        }
    }

    [Theory]
    [InlineData(WinogradTile.F2x2, 512, false)]
    [InlineData(WinogradTile.F4x4, 48, false)]
    [InlineData(WinogradTile.F4x4, 96, true)]
    [InlineData(WinogradTile.F4x4, 256, false)]
    [InlineData(WinogradTile.F4x4, 512, true)]
    [InlineData(WinogradTile.F4x4Stride2, 48, true)]
    [InlineData(WinogradTile.F4x4Stride2, 512, false)]
    public void The_relative_error_passes_the_gate(WinogradTile tile, int channels, bool positive)
    {
        var c = new Case(Strided(Shape(2, 12, 12, channels, 32, 1), tile), 1, 1, Residual.None, 0, false, false);
        var values = new Values();
        var data = new Data(c);
        values.Floats(data.X.Span.Length).CopyTo(data.X.Span);
        values.Floats(data.W.Span.Length, Math.Sqrt(2.0 / (9 * channels))).CopyTo(data.W.Span);
        // What a layer after a ReLU reads.
        if (positive)
        {
            foreach (ref var x in data.X.Span)
                x = Math.Max(0, x + 0.3f);
        }

        var wanted = data.Define(c);
        var y = data.Run(c, tile);
        double worst = 0, largest = 0, errors = 0, squares = 0;
        for (var i = 0; i < y.Length; i++)
        {
            var error = Math.Abs(y[i] - wanted[i]);
            (worst, largest) = (Math.Max(worst, error), Math.Max(largest, Math.Abs(wanted[i])));
            (errors, squares) = (errors + error * error, squares + wanted[i] * wanted[i]);
        }

        var message = $"largest {worst / largest:E2}, Frobenius {Math.Sqrt(errors / squares):E2}, seed {values.Seed}";
        Assert.True(worst <= 1e-5 * largest, message);
        Assert.True(errors <= squares * Math.Pow(4e-6, 2), message);
    }

    [Theory]
    [InlineData(WinogradTile.F2x2, 3, 7, 9, 20, 33, 1)]
    [InlineData(WinogradTile.F4x4, 2, 8, 8, 96, 48, 1)]
    [InlineData(WinogradTile.F4x4, 2, 9, 6, 5, 17, 0)]
    [InlineData(WinogradTile.F4x4, 1, 6, 6, 16, 3, 2)]
    public void Weights_for_the_data_gradient_give_the_gradient(
        WinogradTile tile, int batch, int height, int width, int inChannels, int outChannels, int pad)
    {
        var s = Shape(batch, height, width, inChannels, outChannels, pad);
        var c = new Case(s, 0, 0, Residual.None, 0, false, false);
        var data = new Data(c);
        var dy = Random(s.OutPixels * outChannels);
        using var dx = new GuardedBuffer<float>(data.X.Span.Length);
        using var weight = WinogradWeight.ForDataGradient(outChannels, inChannels, data.W.Pointer, tile);
        var back = Shape(batch, s.OutHeight, s.OutWidth, outChannels, inChannels, 2 - pad);
        Winograd.Forward(
            back, new ImageView(dy.Pointer, s.OutHeight, s.OutWidth, outChannels), weight, default,
            new ImageView(dx.Pointer, height, width, inChannels));
        dx.AssertIntact();

        using GuardedBuffer<double> w = Widen(data.W), wideDy = Widen(dy);
        using var wanted = new GuardedBuffer<double>(data.X.Span.Length);
        Conv.DataGradient(s, wideDy.Pointer, w.Pointer, wanted.Pointer);
        for (var i = 0; i < dx.Span.Length; i++)
        {
            if (!(Math.Abs(dx.Span[i] - wanted.Span[i]) <= Tolerance(tile, outChannels, wanted.Span[i])))
                Assert.Fail($"dx[{i}]: {dx.Span[i]}, wants {wanted.Span[i]}; seed {Seed}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_update_equals_new_weights(bool forDataGradient)
    {
        var c = new Case(Shape(1, 8, 8, 37, 37, 1), 1, 0, Residual.None, 0, true, true);
        var (first, second) = (new Data(c), new Data(c));
        using var weight = Create(first);
        using var wanted = Create(second);
        weight.Update(second.W.Pointer);
        using var call = KernelCall.Begin();
        var bytes = new ReadOnlySpan<byte>(weight.Data, (int)weight.Bytes);
        Assert.True(bytes.SequenceEqual(new(wanted.Data, (int)wanted.Bytes)), $"seed {Seed}");

        WinogradWeight Create(Data data) => forDataGradient
            ? WinogradWeight.ForDataGradient(37, 37, data.W.Pointer, WinogradTile.F4x4)
            : new WinogradWeight(37, 37, data.W.Pointer, WinogradTile.F4x4);
    }

    [Fact]
    public void Nothing_is_allocated_once_the_scratch_memory_has_grown()
    {
        var s = Shape(1, 16, 16, 48, 48, 1);
        var data = new Data(new Case(s, 0, 0, Residual.None, 0, false, false));
        using var weight = new WinogradWeight(48, 48, data.W.Pointer, WinogradTile.F4x4);
        using var y = new GuardedBuffer<float>(s.OutPixels * 48);
        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run()
        {
            weight.Update(data.W.Pointer);
            Winograd.Forward(s, new ImageView(data.X.Pointer, 16, 16, 48), weight, default, new ImageView(y.Pointer, 16, 16, 48));
        }
    }

    [Theory]
    [InlineData(WinogradTile.F4x4)]
    [InlineData(WinogradTile.F4x4Stride2)]
    public void Images_that_no_cache_holds_equal_those_that_one_holds(WinogradTile tile)
    {
        // 40 images are fetched ahead, one is not.
        var c = new Case(Strided(Shape(40, 33, 32, 16, 32, 1), tile), 1, 1, Residual.None, 0, true, true);
        var data = new Data(c);
        var all = data.Run(c, tile);
        var one = data.Run(c with { Shape = c.Shape with { Batch = 1 } }, tile, firstImage: 39);
        Assert.True(all.AsSpan(39 * one.Length).SequenceEqual(one), $"seed {Seed}");
        for (var i = 0; i < all.Length; i++)
            Assert.InRange(Math.Abs(all[i] - data.Expected[i]), 0, Tolerance(tile, 16, data.Expected[i]));
    }

    [Fact]
    public void Other_sizes_are_refused()
    {
        var s = Shape(1, 4, 4, 2, 3, 1);
        var c = new Case(s, 0, 0, Residual.None, 0, false, false);
        var data = new Data(c);
        var weight = new WinogradWeight(3, 2, data.W.Pointer, WinogradTile.F2x2);
        using var memory = new GuardedBuffer<float>(4 * 4 * 3);
        var x = new ImageView(data.X.Pointer, 4, 4, 2);
        var y = new ImageView(memory.Pointer, 4, 4, 3);
        Refuses("3x3", s with { StrideHeight = 2 }, x, y, default);
        Refuses("5x3", s with { KernelHeight = 5 }, x, y, default);
        using var strided = new WinogradWeight(3, 2, data.W.Pointer, WinogradTile.F4x4Stride2);
        Assert.Throws<ArgumentException>(() => Winograd.Forward(s, x, strided, default, y));
        Assert.Throws<ArgumentException>(() => WinogradWeight.ForDataGradient(3, 2, data.W.Pointer, WinogradTile.F4x4Stride2));
        Refuses("2 -> 3", s with { InChannels = 5 }, x, y, default);
        Refuses("x has images", s with { Height = 5 }, x, y, default);
        Refuses("y has images", s, x, y with { Width = 3 }, default);
        Refuses("epilogue has images", s, x, y, new ConvEpilogue(0, y with { Channels = 2 }, false));
        Refuses("got Gelu", s, x, y, new ConvEpilogue(0, default, false, UnaryOp.Gelu));
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Winograd.Forward(s, x, weight, default, y));

        void Refuses(string part, WindowShape shape, ImageView from, ImageView to, ConvEpilogue epilogue)
        {
            var error = Assert.Throws<ArgumentException>(() => Winograd.Forward(shape, from, weight, epilogue, to));
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Pays_where_it_was_measured_or_reckoned_to_pay()
    {
        foreach (var (channels, size) in new[] { (48, 32), (96, 16), (96, 8), (64, 56), (128, 28), (256, 14), (256, 8) })
        {
            Assert.True(Winograd.Pays(Shape(1, size, size, channels, channels, 1), out var tile), $"{channels} @ {size}");
            Assert.Equal(WinogradTile.F4x4, tile);
        }

        // Weights that come from memory: worth it for many tiles, and the more weights the more tiles.
        Assert.True(Winograd.Pays(Shape(16, 7, 7, 512, 512, 1), out var large));
        Assert.Equal(WinogradTile.F4x4, large);
        Assert.True(Winograd.Pays(Shape(16, 4, 4, 512, 512, 1), out var small));
        Assert.Equal(WinogradTile.F2x2, small);
        Assert.False(Winograd.Pays(Shape(1, 7, 7, 512, 512, 1), out _));
        Assert.True(Winograd.Pays(Strided(Shape(1, 32, 32, 48, 96, 1), WinogradTile.F4x4Stride2), out var strided));
        Assert.Equal(WinogradTile.F4x4Stride2, strided);
        Assert.False(Winograd.Pays(Strided(Shape(4, 8, 8, 256, 512, 1), strided), out _));
        // Few tiles of many weights; the image; other kernels and strides; nothing to compute.
        Assert.False(Winograd.Pays(Shape(1, 4, 4, 512, 512, 1), out _));
        Assert.False(Winograd.Pays(Shape(64, 32, 32, 3, 48, 1), out _));
        Assert.False(Winograd.Pays(Shape(64, 32, 32, 48, 48, 1) with { StrideHeight = 3, StrideWidth = 3 }, out _));
        Assert.False(Winograd.Pays(Shape(64, 32, 32, 48, 48, 1) with { StrideHeight = 2 }, out _));
        Assert.False(Winograd.Pays(Shape(64, 32, 32, 48, 48, 0) with { KernelHeight = 1, KernelWidth = 1 }, out _));
        Assert.False(Winograd.Pays(Shape(0, 32, 32, 48, 48, 1), out _));
        Assert.False(Winograd.Pays(Shape(4, 2, 2, 48, 48, 0), out _));
    }
}

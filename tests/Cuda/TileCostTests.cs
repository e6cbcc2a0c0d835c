using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Tiles and splits are those of the least predicted time. No GPU is asked: this is about the choice.</summary>
public sealed class TileCostTests
{
    private const int Seed = 15;
    private const int Trials = 2000;

    // H100 and H200, A100, RTX 4090, the emulated device, an RTX 4060, and one multiprocessor.
    private static readonly GpuShape[] Devices = [GpuShape.Nominal, new(108, 2), new(128), new(4, 2), new(24), new(1)];

    private readonly Random _random = new(Seed);

    [Fact]
    public void More_work_never_takes_less_time_and_more_multiprocessors_never_more()
    {
        foreach (var tile in ProductVariants.All)
        {
            foreach (var gpu in Devices)
            {
                var last = 0.0;
                for (var blocks = 1; blocks <= 2000; blocks++)
                {
                    var clocks = TileCost.Clocks(tile, blocks, 54, gpu);
                    Assert.True(clocks >= last, $"{tile} on {gpu}: {blocks} blocks take {clocks}, one fewer {last}");
                    Assert.True(clocks < TileCost.Clocks(tile, blocks, 55, gpu));
                    Assert.True(clocks >= TileCost.Clocks(tile, blocks, 54, gpu with { Multiprocessors = gpu.Multiprocessors + 1 }));
                    last = clocks;
                }
            }
        }

        for (var splits = 1; splits < 64; splits++)
            Assert.True(TileCost.SplitClocks(splits, 1e6) < TileCost.SplitClocks(splits + 1, 1e6));
        Assert.Equal(0, TileCost.SplitClocks(1, 1e6));
    }

    [Fact]
    public void A_block_takes_its_own_time_whatever_the_others_do()
    {
        // One block on each multiprocessor takes as long as one alone; one more takes longer, but not twice as long as both share it.
        foreach (var tile in ProductVariants.All)
        {
            var alone = TileCost.Clocks(tile, 1, 54, GpuShape.Nominal);
            Assert.Equal(alone, TileCost.Clocks(tile, GpuShape.Nominal.Multiprocessors, 54, GpuShape.Nominal));
            Assert.InRange(TileCost.Clocks(tile, GpuShape.Nominal.Multiprocessors + 1, 54, GpuShape.Nominal) / alone, 1.2, 1.9);
        }

        // Half as many lanes: a step takes what its multiply-adds take.
        var large = ProductRows.Named("conv_forward_128x128");
        Assert.Equal(
            [256, 1024, 768, 512, 384, 256],
            ((string[])["64x64", "128x128", "128x96", "128x64", "128x48", "128x32"]).Select(tile => ProductRows.Named($"conv_forward_{tile}").StepMultiplyAdds));
        // The device of a weight gradient is the nominal one, whatever runs it: a row must run on all.
        Assert.All(ProductVariants.Of(ProductPass.WeightGradient), row => Assert.Equal(80, row.LeastArchitecture));
        Assert.All(ProductVariants.All, row => Assert.True(row.StepMultiplyAdds < row.StepInstructions, $"{row} takes fewer instructions than it multiplies"));
        Assert.True(TileCost.Clocks(large, 1, 54, new GpuShape(132, 2)) > 1.4 * TileCost.Clocks(large, 1, 54, GpuShape.Nominal));
        Assert.Equal((2, 1, 1), (GpuShape.Of(108, (8, 0)).MultiplyAddClocks, GpuShape.Of(84, (8, 6)).MultiplyAddClocks, GpuShape.Of(132, (9, 0)).MultiplyAddClocks));
    }

    [Fact]
    public void The_row_that_is_taken_is_the_cheapest_of_those_that_can()
    {
        foreach (var pass in Enum.GetValues<ProductPass>())
        {
            for (var trial = 0; trial < Trials; trial++)
            {
                var gpu = Devices[_random.Next(Devices.Length)];
                var request = new ProductRequest(
                    pass, DeviceValues.Types[trial % 3], (long)Math.Pow(2, 22 * _random.NextDouble()), _random.Next(1, 1025), _random.Next(1, 5000), gpu, _random.Next(1, 9));
                var able = Array.FindAll(ProductVariants.All, row => row.Supports(request));
                var taken = ProductVariants.Pick(request);
                Assert.All(able, row => Assert.Equal(pass, row.Pass));
                // Of two that cost the same, the first.
                Assert.Same(able.MinBy(row => row.Cost(request)), taken);
                Assert.True(request.Type == DType.F32 || able.Length == 1, $"{request}: {able.Length} rows, seed {Seed}");
            }
        }
    }

    [Fact]
    public void A_row_takes_what_it_says_and_no_more()
    {
        var row = ProductRows.Named("conv_forward_128x128");
        var request = new ProductRequest(ProductPass.Forward, DType.F32, 1000, 64, 288, GpuShape.Nominal);
        Assert.True(row.Supports(request));
        Assert.False(row.Supports(request with { Pass = ProductPass.DataGradient }));
        Assert.False(row.Supports(request with { Type = DType.BF16 }));
        Assert.False(row.Supports(request with { Gpu = new GpuShape(132, Architecture: 75) }));
        Assert.False((row with { LeastArchitecture = 100 }).Supports(request));
        Assert.True((row with { MostColumns = 64 }).Supports(request));
        Assert.False((row with { MostColumns = 64 }).Supports(request with { Columns = 65 }));
        var failure = Assert.Throws<DeviceException>(() => ProductVariants.Pick(request with { Type = DType.I32 }));
        Assert.Contains("Forward: no kernel takes I32 of 1000 x 64 x 288 on sm_90", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ProductVariants.All.Length, ProductVariants.All.Select(r => r.Name).Distinct().Count());
    }

    [Fact]
    public void No_row_of_a_product_is_predicted_faster_than_the_one_that_is_taken()
    {
        Span<int> pieces = stackalloc int[32];
        var split = 0;
        for (var trial = 0; trial < Trials; trial++)
        {
            var gpu = Devices[_random.Next(Devices.Length)];
            var product = Product((long)Math.Pow(2, 16 * _random.NextDouble()), _random.Next(1, 1025), (int)Math.Pow(2, 16 * _random.NextDouble()));
            foreach (var type in DeviceValues.Types)
            {
                var what = $"{type} {product.M} x {product.N} x {product.K}, {gpu}, seed {Seed}";
                var taken = GemmPlan.Of(type, product, hasCublas: false, gpu);
                split += taken.Splits > 1 ? 1 : 0;
                // The bits of a product are those of its sizes: no device has another cut.
                foreach (var other in Devices)
                    Assert.Equal((taken.Splits, taken.Depth), GemmPlan.Of(type, product, hasCublas: false, other) is var plan ? (plan.Splits, plan.Depth) : default);
                Assert.Equal(1, GemmPlan.Of(type, product with { RowsApart = true }, hasCublas: false, gpu).Splits);

                var here = GemmPlan.Clocks(taken.Kernel!, type, product, taken.Splits, taken.Depth, gpu);
                foreach (var row in ProductRows.Of(ProductPass.Matrix, type))
                    Assert.True(here <= GemmPlan.Clocks(row, type, product, taken.Splits, taken.Depth, gpu), what);
                var nominal = GemmPlan.Of(type, product, hasCublas: false);
                var there = GemmPlan.Clocks(nominal.Kernel!, type, product, nominal.Splits, nominal.Depth, GpuShape.Nominal);
                foreach (var row in ProductRows.Of(ProductPass.Matrix, type))
                {
                    Assert.True(there <= GemmPlan.Clocks(row, type, product, 1, product.K, GpuShape.Nominal), what);
                    foreach (var wanted in pieces[..GemmPlan.Pieces(product, pieces)])
                    {
                        var (cut, depth) = ProductTiles.Cut(type, product.K, wanted, 256);
                        Assert.True(there <= GemmPlan.Clocks(row, type, product, cut, (int)depth, GpuShape.Nominal), $"{what}: {cut} pieces before {nominal.Splits}");
                    }
                }
            }
        }

        Assert.InRange(split, Trials / 10, 3 * Trials);
    }

    [Fact]
    public void No_cut_of_a_weight_gradient_is_predicted_faster_than_the_one_that_is_taken()
    {
        for (var trial = 0; trial < Trials; trial++)
        {
            var side = _random.Next(1, 65);
            var s = new WindowShape(_random.Next(1, 1001), side, side, _random.Next(1, 513), _random.Next(1, 513), 3, 3, 1, 1, 1, 1, 1, 1);
            foreach (var type in DeviceValues.Types)
            {
                var row = ProductVariants.Pick(ProductRequest.WeightGradient(type, s));
                var taken = ConvSplits.Of(type, s, row);
                var clocks = ConvSplits.Clocks(type, s, row, taken);
                foreach (var wanted in (int[])[1, 2, 4, 8, 16, 32, 64])
                {
                    var (splits, depth) = ProductTiles.Cut(type, s.OutPixels, wanted, 512);
                    // Not all are tried; what is between is hardly better.
                    Assert.True(clocks <= 1.15 * ConvSplits.Clocks(type, s, row, (splits, (int)depth)), $"{type} {s}: {splits} pieces before {taken}, seed {Seed}");
                }
            }
        }
    }

    // Rows as they are and the tile that is predicted to be the fastest, on the nominal device.
    [Theory]
    // All-CNN 0.5, 528 images: every layer has whole rounds.
    [InlineData(540_672, 48, 27, "128x48")]
    [InlineData(540_672, 48, 432, "128x48")]
    [InlineData(135_168, 96, 864, "128x96")]
    [InlineData(33_792, 96, 864, "128x96")]
    [InlineData(33_792, 96, 96, "128x96")]
    // ResNet-20, 528 images: the first two stages.
    [InlineData(540_672, 16, 144, "128x32")]
    [InlineData(135_168, 32, 288, "128x32")]
    [InlineData(33_792, 64, 576, "128x64")]
    // ResNet-18, 528 images.
    [InlineData(540_672, 64, 576, "128x64")]
    [InlineData(135_168, 128, 1152, "128x128")]
    [InlineData(33_792, 256, 2304, "128x128")]
    [InlineData(8_448, 512, 4608, "128x128")]
    // 127 tiles of 128 x 128, one short of what was once wanted of them: small tiles took 1.4 times as long.
    [InlineData(16_256, 128, 1152, "128x64")]
    [InlineData(16_384, 128, 1152, "128x64")]
    // Few pixels: the smallest tiles.
    [InlineData(64, 512, 4608, "64x64")]
    public void Known_layers_take_the_tile_that_the_model_prefers(long pixels, int channels, long depth, string expected) =>
        Assert.Equal($"conv_forward_{expected}", ProductVariants.Pick(new ProductRequest(ProductPass.Forward, DType.F32, pixels, channels, depth, GpuShape.Nominal)).Name);

    [Theory]
    [InlineData(1024, 1024, 1024, 128, 4)]
    [InlineData(4096, 4096, 4096, 128, 1)]
    [InlineData(1024, 512, 512, 64, 2)]
    [InlineData(96, 96, 5000, 64, 19)]
    [InlineData(512, 512, 5000, 128, 16)]
    [InlineData(2500, 1000, 128, 128, 1)]
    public void Known_products_take_the_row_that_the_model_prefers(long m, int n, int k, int side, int splits)
    {
        var plan = GemmPlan.Of(DType.F32, Product(m, n, k), hasCublas: false);
        Assert.Equal(($"gemm_xx_{side}", splits), (plan.Kernel!.Name, plan.Splits));
    }

    private static MatrixProduct Product(long m, int n, int k) => new(0, false, k, 0, true, k, 0, n, m, n, k);
}

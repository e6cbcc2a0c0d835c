using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Tests.Cuda;

namespace EscNative.Tests.Plans;

/// <summary>How many images a plan takes at a time on a GPU: the choice on made-up devices, and that nothing depends on it.</summary>
public sealed class CudaChunkTests
{
    private const long Gigabyte = 1L << 30;

    // The largest step of All-CNN 0.5, in float32: 48 channels of 32 x 32 pixels in and out.
    private const long AllCnnBytes = 2 * 48 * 1024 * 4;

    private static readonly GpuShape Tiny = new(4, 2);

    public static TheoryData<int, int, long> LargeDevices => new() { { 132, 1, 141 }, { 132, 1, 80 }, { 108, 2, 40 }, { 128, 1, 24 } };

    [Theory]
    [MemberData(nameof(LargeDevices))]
    public void A_large_device_takes_512_images_or_more_and_every_layer_fills_it(int multiprocessors, int clocks, long gigabytes)
    {
        var gpu = new GpuShape(multiprocessors, clocks);
        foreach (var (layers, bytes, before) in ((IReadOnlyList<ProductLayer>, long, int)[])[(AllCnn(48), AllCnnBytes, 85), (ResNet18(), 3 * 64 * 1024 * 4, 42)])
        {
            var chunk = CudaChunk.Choose(layers, layers.Count + 1, bytes, gpu, gigabytes * Gigabyte, 0);
            Assert.InRange(chunk, CudaChunk.FewestImages, CudaChunk.MostImages);
            var time = OfAnImage(layers, chunk, gpu);
            Assert.True(time <= 0.8 * OfAnImage(layers, before, gpu), $"{chunk} images at a time are predicted {time / OfAnImage(layers, before, gpu):0.00} of the time of {before}");
            for (var other = 512; other <= CudaChunk.MostImages; other += 16)
                Assert.True(time <= 1.02 * OfAnImage(layers, other, gpu), $"{other} images are predicted faster than {chunk}");
        }
    }

    [Fact]
    public void An_H200_takes_528_images_whole_rounds_of_the_smallest_layers()
    {
        Assert.Equal(528, CudaChunk.Choose(AllCnn(48), 9, AllCnnBytes, GpuShape.Nominal, 141 * Gigabyte, 0));
        Assert.Equal(528, CudaChunk.Choose(ResNet18(), 21, 3 * 64 * 1024 * 4, GpuShape.Nominal, 141 * Gigabyte, 0));
    }

    [Fact]
    public void A_small_device_is_full_sooner()
    {
        Assert.InRange(CudaChunk.Choose(AllCnn(48), 9, AllCnnBytes, Tiny, 2 * Gigabyte, 0), 16, 64);
        Assert.InRange(CudaChunk.Choose(AllCnn(48), 9, AllCnnBytes, new GpuShape(1), 2 * Gigabyte, 0), 1, 32);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(7, 1)]
    [InlineData(8, 1)]
    [InlineData(8 * 10, 10)]
    [InlineData(8 * 100, 100)]
    [InlineData(8 * 511, 511)]
    public void Memory_bounds_it(long imagesFree, int most)
    {
        foreach (var gpu in (GpuShape[])[GpuShape.Nominal, Tiny])
        {
            foreach (var perRun in (int[])[0, 1, 5, 5000])
            {
                var chunk = CudaChunk.Choose(AllCnn(48), 9, AllCnnBytes, gpu, imagesFree * AllCnnBytes, perRun);
                Assert.InRange(chunk, 1, most);
                if (gpu == GpuShape.Nominal && perRun == 0)
                    Assert.Equal(most, chunk);
            }
        }
    }

    [Fact]
    public void A_run_of_known_size_takes_the_least_time_with_its_remainder()
    {
        var layers = AllCnn(48);
        foreach (var images in (int[])[1, 2, 31, 500, 528, 600, 1000, 5000, 12_345])
        {
            var chunk = CudaChunk.Choose(layers, 9, AllCnnBytes, GpuShape.Nominal, 141 * Gigabyte, images);
            Assert.InRange(chunk, 1, images);
            for (var other = Math.Min(images, 512); other <= Math.Min(images, CudaChunk.MostImages); other += 16)
                Assert.True(OfARun(layers, images, chunk) <= 1.021 * OfARun(layers, images, other), $"{images} images: {other} at a time are predicted faster than {chunk}");
        }

        Assert.Throws<UsageException>(() => InferencePlan.Compile(new Relu(), 4, Device.Cpu, new PlanOptions { ImagesPerRun = -1 }).Dispose());
    }

    [Fact]
    public void No_bit_depends_on_the_chunk()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        var device = Device.Cuda();
        using var net = Network(device);
        var images = Images(37);
        float[]? first = null;
        foreach (var options in (PlanOptions[])
            [
                new() { ImagesPerChunk = 1 }, new() { ImagesPerChunk = 5 }, new() { ImagesPerChunk = 37 }, new() { ImagesPerChunk = 64 }, new(),
                new() { ImagesPerRun = 37 }, new() { ImagesPerRun = 3 },
            ])
        {
            using var plan = InferencePlan.Compile(net, (12, 12, 3), device, options);
            // Twice: recorded, and played back. Then fewer, and more again.
            foreach (var count in (int[])[37, 37, 2, 37])
            {
                var got = Enumerable.Repeat(float.NaN, count * (int)plan.OutputShapes[0].Count).ToArray();
                plan.Run(images.AsSpan(0, count * (int)plan.InputShape.Count), got);
                first ??= got;
                Assert.Equal(first[..got.Length], got);
            }
        }
    }

    [Fact]
    public void Out_of_memory_is_a_smaller_chunk_and_no_failure()
    {
        using var faulty = FaultDevice.OrSkip();
        using var net = Network(faulty.Device);
        var images = Images(32);
        float[] wanted, got = new float[32 * 5];
        using (var plan = InferencePlan.Compile(net, (12, 12, 3), faulty.Device, new PlanOptions { ImagesPerRun = 32 }))
        {
            plan.Run(images, got);
            wanted = [.. got];
        }

        // The pool asks twice: 32 images have no memory, nor have 16; 8 have.
        using (var plan = InferencePlan.Compile(net, (12, 12, 3), faulty.Device, new PlanOptions { ImagesPerRun = 32 }))
        {
            Assert.Equal(32, plan.ImagesPerChunk);
            Starve(4);
            Array.Fill(got, float.NaN);
            plan.Run(images, got);
            Assert.Equal(wanted, got);
            // It is not asked for again: the memory that there is stays, and is used again.
            var before = faulty.Device.Memory.Live;
            plan.Run(images, got);
            Assert.Equal(wanted, got);
            Assert.Equal(before, faulty.Device.Memory.Live);
        }

        // A number of one's own is kept to.
        using var own = InferencePlan.Compile(net, (12, 12, 3), faulty.Device, new PlanOptions { ImagesPerChunk = 32 });
        Starve(2);
        Assert.Throws<DeviceOutOfMemoryException>(() => own.Run(images, got));
        own.Run(images, got);
        Assert.Equal(wanted, got);

        void Starve(int times)
        {
            faulty.Device.Trim();
            EmulatorApi.Reset();
            for (var n = 1; n <= times; n++)
                EmulatorApi.Fail("cuMemAlloc", n, 2);
        }
    }

    [Fact]
    public void A_run_of_few_images_takes_little_memory()
    {
        using var faulty = FaultDevice.OrSkip();
        using var net = Network(faulty.Device);
        using var plan = InferencePlan.Compile(net, (12, 12, 3), faulty.Device, new PlanOptions { ImagesPerChunk = 512 });
        var before = faulty.Device.Memory.Live;
        plan.Run(Images(1), new float[5]);
        Assert.InRange(faulty.Device.Memory.Live - before, 1, plan.ArenaBytes / 100);
    }

    private static double OfAnImage(IReadOnlyList<ProductLayer> layers, int images, GpuShape gpu) =>
        CudaChunk.Clocks(layers, layers.Count + 1, images, gpu) / images;

    private static double OfARun(IReadOnlyList<ProductLayer> layers, int images, int chunk)
    {
        var (whole, rest) = Math.DivRem(images, chunk);
        return (whole * CudaChunk.Clocks(layers, 9, chunk, GpuShape.Nominal)) + (rest == 0 ? 0 : CudaChunk.Clocks(layers, 9, rest, GpuShape.Nominal));
    }

    private static ProductLayer[] AllCnn(int c) =>
    [
        new(1024, c, 27), new(1024, c, 9 * c), new(256, 2 * c, 9 * c), new(256, 2 * c, 18 * c), new(256, 2 * c, 18 * c), new(64, 2 * c, 18 * c),
        new(64, 2 * c, 18 * c), new(64, 2 * c, 2 * c),
    ];

    private static List<ProductLayer> ResNet18()
    {
        var layers = new List<ProductLayer> { new(1024, 64, 27) };
        for (var stage = 0; stage < 4; stage++)
        {
            var (pixels, channels) = (1024L >> (2 * stage), 64 << stage);
            var first = stage == 0 ? channels : channels / 2;
            layers.AddRange([new(pixels, channels, 9 * first), new(pixels, channels, 9 * channels), new(pixels, channels, 9 * channels), new(pixels, channels, 9 * channels)]);
            if (stage > 0)
                layers.Add(new(pixels, channels, first));
        }

        return layers;
    }

    private static Sequential Network(Device device)
    {
        var random = new RandomSource(5);
        return new Sequential(
            new Conv2d(3, 10, 3, random, padding: 1, device: device), new Relu(), new Conv2d(10, 20, 3, random, stride: 2, padding: 1, device: device), new Relu(),
            new GlobalAveragePool2d(), new Linear(20, 5, random, device: device));
    }

    private static float[] Images(int count)
    {
        var values = new float[count * 12 * 12 * 3];
        new RandomSource(6).FillUniform(values);
        return values;
    }
}

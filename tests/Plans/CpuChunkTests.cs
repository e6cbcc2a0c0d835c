using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Tests.Plans;

/// <summary>How many images a thread of the CPU takes at a time, and what the caller's word about a run's images changes.</summary>
public sealed class CpuChunkTests
{
    [Fact]
    public void Large_weights_are_shared_by_many_images_and_large_images_come_one_by_one()
    {
        // 18 MB of weights and 32 KB an image; 9 KB and 6 MB.
        Assert.InRange(Chunk(512, 4), 16, 32);
        Assert.Equal(1, Chunk(16, 224));
        // Weights that stay in the cache are no reason for more than what fits into it.
        Assert.True(Chunk(64, 32) < Chunk(512, 4));

        static int Chunk(int channels, int size)
        {
            using var net = Network(channels);
            using var plan = InferencePlan.Compile(net, (size, size, channels), Device.Cpu);
            Assert.True(plan.ArenaBytes <= 128 << 20);
            return plan.ImagesPerChunk;
        }
    }

    [Fact]
    public void A_plan_for_one_image_takes_other_algorithms_and_is_as_right()
    {
        using var net = Network(512);
        using var many = InferencePlan.Compile(net, (7, 7, 512), Device.Cpu);
        using var one = InferencePlan.Compile(net, (7, 7, 512), Device.Cpu, new PlanOptions { ImagesPerRun = 1 });
        Assert.All(many.Steps, s => Assert.Equal("winograd 4x4", s.Algorithm));
        Assert.All(one.Steps, s => Assert.Equal("direct", s.Algorithm));
        // A run of another size is as right.
        var images = new float[3 * 7 * 7 * 512];
        var dice = new Random(5);
        foreach (ref var value in images.AsSpan())
            value = (float)((2 * dice.NextDouble()) - 1);
        var (expected, got) = (new float[images.Length], new float[images.Length]);
        many.Run(images, expected);
        one.Run(images, got);
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < got.Length; i++)
            Assert.InRange(got[i], expected[i] - 1e-5f * largest, expected[i] + 1e-5f * largest);
        Assert.NotEqual(expected, got);
    }

    private static Sequential Network(int channels) => new(
        new Conv2d(channels, channels, 3, padding: 1, random: new RandomSource(1)), new Conv2d(channels, channels, 3, padding: 1, random: new RandomSource(2)));
}

using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Engine.Plans;
using EscNative.Tests.Engine;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.Plans;

/// <summary>A plan computes what the eager network computes, for 200 random networks, other ones in every run.</summary>
[Collection(CpuThreads.Collection)]
public sealed class PlanPropertyTests
{
    private static readonly bool OnCpu = TestDevices.Current == Device.Cpu;

    private static readonly int Base = Random.Shared.Next(1 << 20) * 1000;

    // The only value of one image may be near 0 by chance, where its terms cancel; those of as many say how large its terms are.
    private const int FewestImages = 16;

    // An emulated device takes half a minute for what the CPU does in milliseconds.
    public static TheoryData<int> Numbers() => [.. Enumerable.Range(0, TestDevices.Current.IsEmulated ? 3 : 200)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_plan_equals_the_eager_network_whatever_the_threads_and_chunks(int number)
    {
        var seed = Base + number;
        var network = new RandomNetwork(seed);
        using var net = network.Net;
        var dice = new Random(seed);
        var n = dice.Next(1, 10);
        var more = Math.Max(n, FewestImages);
        var all = new float[more * network.Image.Count];
        foreach (ref var value in all.AsSpan())
            value = (float)((2 * dice.NextDouble()) - 1);
        var eager = Eager(network, all, more);
        var largest = eager.Max(v => Math.Abs((double)v));
        var (images, wanted) = (all[..(all.Length / more * n)], eager[..(eager.Length / more * n)]);

        float[]? first = null;
        foreach (var chunk in (int[])[0, 1, dice.Next(2, 8)])
        {
            using var plan = InferencePlan.Compile(net, network.Image, options: new PlanOptions { ImagesPerChunk = chunk });
            var got = new float[wanted.Length];
            CpuThreads.ForEach(OnCpu ? [1, 2, 3, 8] : [1], threads =>
            {
                Array.Fill(got, float.NaN);
                plan.Run(images, got);
                first ??= [.. got];
                Assert.True(
                    MemoryMarshal.AsBytes<float>(first).SequenceEqual(MemoryMarshal.AsBytes<float>(got)),
                    $"{network}\n{n} images: {threads} threads and {chunk} images a chunk give other bits than the first run");
            });
        }

        for (var i = 0; i < wanted.Length; i++)
        {
            Assert.True(
                Math.Abs((double)wanted[i] - first![i]) <= network.Tolerance * largest,
                $"{network}\n{n} images: value {i} is {first[i]:R}, eager {wanted[i]:R}, largest {largest:R}, tolerance {network.Tolerance:0.0e0} of it");
        }
    }

    private static float[] Eager(RandomNetwork network, float[] images, int n)
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        return network.Net.Forward(Tensor.From(images, new Shape([n, .. network.Image.ToArray()]))).ToArray();
    }
}

using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Engine;

public sealed unsafe class WinogradWeightCacheTests
{
    [Fact]
    public void Returned_memory_is_used_again_for_the_same_sizes_alone()
    {
        var cache = new WinogradWeightCache();
        var values = new float[16 * 9 * 32];
        fixed (float* weight = values)
        {
            var forward = cache.Rent(16, 32, WinogradTile.F4x4, forDataGradient: false, weight);
            var second = cache.Rent(16, 32, WinogradTile.F4x4, forDataGradient: false, weight);
            Assert.NotSame(forward, second);
            cache.Return(forward, forDataGradient: false);
            var backward = cache.Rent(32, 16, WinogradTile.F4x4, forDataGradient: true, weight);
            var small = cache.Rent(16, 32, WinogradTile.F2x2, forDataGradient: false, weight);
            Assert.NotSame(forward, backward);
            Assert.NotSame(forward, small);
            cache.Return(backward, forDataGradient: true);
            Assert.Same(forward, cache.Rent(16, 32, WinogradTile.F4x4, forDataGradient: false, weight));
            Assert.Same(backward, cache.Rent(32, 16, WinogradTile.F4x4, forDataGradient: true, weight));
            foreach (var rented in (WinogradWeight[])[forward, second, backward, small])
                rented.Dispose();
        }
    }

    // 36 MiB each: the second does not fit beside the first.
    [Fact]
    public void The_oldest_memory_goes_where_there_is_too_much()
    {
        var cache = new WinogradWeightCache();
        var values = new float[512 * 9 * 512];
        fixed (float* weight = values)
        {
            var first = cache.Rent(512, 512, WinogradTile.F4x4, forDataGradient: false, weight);
            var second = cache.Rent(512, 512, WinogradTile.F4x4, forDataGradient: true, weight);
            cache.Return(first, forDataGradient: false);
            cache.Return(second, forDataGradient: true);
            var image = new ImageView(weight, 1, 1, 512);
            Assert.Throws<ObjectDisposedException>(() => Run(first));
            Assert.Same(second, cache.Rent(512, 512, WinogradTile.F4x4, forDataGradient: true, weight));
            second.Dispose();

            void Run(WinogradWeight weights) =>
                Winograd.Forward(new WindowShape(1, 1, 1, 512, 512, 3, 3, 1, 1, 1, 1, 1, 1), image, weights, default, image);
        }
    }
}

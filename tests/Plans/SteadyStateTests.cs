using EscNative.Models;
using EscNative.Tests.Kernels;
using EscNative.Tests.Models;

namespace EscNative.Tests.Plans;

/// <summary>After some runs a plan asks nobody for memory.</summary>
[Collection(CpuThreads.Collection)]
public sealed class SteadyStateTests
{
    private const int Rounds = 50;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(64, 1)]
    [InlineData(64, 2)]
    public void A_run_allocates_nothing_on_any_thread_and_takes_no_page_fault(int images, int threads)
    {
        using var model = SmallImages.Model();
        using var extractor = CompiledExtractor.Compile(model, 32, 32);
        var bytes = new byte[images * 3072];
        new Random(1).NextBytes(bytes);
        var (features, scores) = (new float[images * extractor.FeatureWidth], new float[images * extractor.Classes]);
        CpuThreads.ForEach([threads], _ =>
        {
            // A worker that gets no tile for a while meets its scratch memory later: enough runs that each has had every kernel, and the
            // runtime has compiled everything for the last time.
            Repeat(20 * Rounds);
            long allocated = long.MaxValue, faults = long.MaxValue;
            // The runtime's own threads allocate too, now and then; a plan that did would do so in every attempt.
            for (var attempt = 0; attempt < 10 && (allocated > 0 || faults > 0); attempt++)
            {
                Thread.Sleep(20);
                var (allocatedBefore, faultsBefore) = (GC.GetTotalAllocatedBytes(precise: true), MinorFaults());
                Repeat(Rounds);
                (allocated, faults) = (GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore, MinorFaults() - faultsBefore);
                // Asking the counters costs some, the same each time.
                var (empty, emptyFaults) = (GC.GetTotalAllocatedBytes(precise: true), MinorFaults());
                allocated -= GC.GetTotalAllocatedBytes(precise: true) - empty;
                faults -= MinorFaults() - emptyFaults;
            }

            Assert.True(allocated <= 0, $"{Rounds} runs of {images} images on {threads} threads allocated {allocated} bytes");
            Assert.True(faults < Rounds, $"{Rounds} runs of {images} images on {threads} threads took {faults} page faults");
        });

        void Repeat(int rounds)
        {
            for (var i = 0; i < rounds; i++)
                extractor.Run(bytes, features, scores);
        }
    }

    // The tenth field of the process's own line; where the system has none, nothing is claimed.
    private static long MinorFaults()
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        var text = File.ReadAllText("/proc/self/stat");
        return long.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[7], System.Globalization.CultureInfo.InvariantCulture);
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;
using EscNative.Engine;
using EscNative.Tests.Engine;
using Xunit.v3;

// Every test leaves as many tensors and bytes behind as it found. Counting needs one test at a time, and so do tests that
// change the number of threads.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: NoLeaks]
[assembly: AssemblyFixture(typeof(NothingLeft))]

namespace EscNative.Tests.Engine;

/// <summary>Fails a test that leaves tensors, memory, late returns or damaged guard zones behind. In force for the whole assembly.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class NoLeaksAttribute : BeforeAfterTestAttribute
{
    private static long _forgivenLateReturns;
    private static long _forgivenViolations;

    private MemoryStatistics _before;
    private (long LateReturns, long Violations) _mistakes;

    /// <summary>Guard zones and NaN for every block, from the first one on.</summary>
    [ModuleInitializer]
    internal static void SwitchChecksOn() => CpuMemoryPool.Checked = CudaMemoryPool.Checked = true;

    /// <summary>For the test of the counter itself.</summary>
    internal static void ForgiveLateReturn() => _forgivenLateReturns++;

    /// <inheritdoc cref="ForgiveLateReturn"/>
    internal static void ForgiveLateReturns(long count) => _forgivenLateReturns += count;

    /// <inheritdoc cref="ForgiveLateReturn"/>
    internal static void ForgiveViolations(int count) => _forgivenViolations += count;

    /// <summary>Blocks that came back late or damaged so far.</summary>
    internal static (long LateReturns, long Violations) Mistakes() =>
        (TestDevices.Current.Memory.LateReturns - _forgivenLateReturns, CpuMemoryPool.Violations + CudaMemoryPool.Violations - _forgivenViolations);

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => (_before, _mistakes) = (TestDevices.Current.Memory, Mistakes());

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        var after = TestDevices.Current.Memory;
        Assert.True(
            after.LiveTensors == _before.LiveTensors && after.Live == _before.Live,
            $"left {after.LiveTensors - _before.LiveTensors} tensors and {after.Live - _before.Live} bytes behind");
        Assert.Equal(_mistakes, Mistakes());
    }
}

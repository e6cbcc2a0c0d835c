using System.Reflection;
using EscNative.Kernels;

namespace EscNative.Tests;

/// <summary>Who has a finalizer gives no address that could outlive it.</summary>
public sealed class FinalizerTests
{
    // Reached only through what is alive while its addresses are used, for the reason given.
    private static readonly string[] Exceptions =
    [
        // A thread's own memory, found through a static of that thread.
        "EscNative.Kernels.Cpu.CpuScratch+Buffers",
        // It frees nothing: its records go back to their device's list, and to another thread only after a wait for all kernels.
        "EscNative.Kernels.Cuda.Driver.FaultSlot",
        // Its program gives it out for a run and takes it back after it.
        "EscNative.Engine.Plans.CpuPlanContext",
    ];

    [Fact]
    public void Each_is_a_native_owner_whose_address_a_call_holds()
    {
        var assemblies = new[] { typeof(NativeOwner), typeof(EscNative.Engine.Tensor), typeof(EscNative.Models.Classifier), typeof(EscNative.Unlearning.UnlearningContext), typeof(EscNative.Bench.Micro.MicroRunner) };
        var finalized = assemblies.SelectMany(type => type.Assembly.GetTypes())
            .Where(type => type.GetMethod("Finalize", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly, []) is not null)
            .Select(type => type.FullName!).Order(StringComparer.Ordinal);
        Assert.Equal(Exceptions.Append(typeof(NativeOwner).FullName!).Order(StringComparer.Ordinal), finalized);
    }
}

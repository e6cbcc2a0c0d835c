namespace EscNative.Tests.Kernels;

/// <summary>Runs after all that runs in parallel.</summary>
[CollectionDefinition(CpuThreads.Alone, DisableParallelization = true)]
public sealed class AloneCollection;

using System.Runtime;
using System.Runtime.InteropServices;

namespace EscNative.Bench.Measuring;

/// <summary>The machine and runtime a figure was measured on. No host, user or path names.</summary>
/// <param name="Cpu">The processor's name.</param>
/// <param name="Cores">Logical processors that this process may use.</param>
/// <param name="InstructionSet">The widest vector instructions that the kernels use.</param>
/// <param name="MemoryBytes">Memory that this process may use.</param>
/// <param name="OperatingSystem">Name and version.</param>
/// <param name="Runtime">The .NET version.</param>
/// <param name="GarbageCollector">Its mode.</param>
internal sealed record MachineInfo(
    string Cpu, int Cores, string InstructionSet, long MemoryBytes, string OperatingSystem, string Runtime, string GarbageCollector)
{
    /// <summary>This machine.</summary>
    public static MachineInfo Capture() => new(
        CpuName(),
        Environment.ProcessorCount,
        InstructionSets.InUse,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}",
        RuntimeInformation.FrameworkDescription,
        $"{(GCSettings.IsServerGC ? "server" : "workstation")}, {(Concurrent() ? "concurrent" : "not concurrent")}");

    private static bool Concurrent() => GC.GetConfigurationVariables().TryGetValue("ConcurrentGC", out var value) && value is true;

    private static string CpuName()
    {
        const string LinuxFile = "/proc/cpuinfo";
        if (File.Exists(LinuxFile))
        {
            var line = File.ReadLines(LinuxFile).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
            if (line?.Split(':', 2) is [_, var name] && name.Trim() is { Length: > 0 } trimmed)
                return trimmed;
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") is { Length: > 0 } identifier
            ? identifier
            : RuntimeInformation.ProcessArchitecture.ToString();
    }
}

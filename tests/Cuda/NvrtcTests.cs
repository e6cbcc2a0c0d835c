using System.Text;
using System.Text.RegularExpressions;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Tests.Cuda;

/// <summary>Every kernel, compiled by the real NVRTC for real architectures.</summary>
public sealed partial class NvrtcTests
{
    // sm_80: A100. sm_86: RTX 30, A10. sm_89: RTX 40, L4. sm_90: H100.
    private static readonly int[] Architectures = [80, 86, 89, 90];

    // Compiling takes half a minute a target. Every run has the newest compiler for the first and the last and the oldest for the first; the
    // variable adds what is left.
    private static readonly bool All = Environment.GetEnvironmentVariable("ESC_NVRTC_ALL") == "1";

    public static TheoryData<string> Versions => [.. RealNvrtc.Versions];

    public static TheoryData<string> PtxVersions => [.. All ? RealNvrtc.Versions : RealNvrtc.Versions.TakeLast(1)];

    public static TheoryData<string, int> Targets => [.. RealNvrtc.Versions.SelectMany(ArchitecturesFor, (version, architecture) => (version, architecture))];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Kernels_keep_within_registers_and_spill_nothing(string version, int architecture)
    {
        var nvrtc = RealNvrtc.OrSkip(version);
        var problems = new List<string>();
        var kernels = 0;
        foreach (var (family, log) in CompileAll(nvrtc, $"sm_{architecture}", result => result.Log))
        {
            var budgets = new KernelBudgets(family);
            foreach (var usage in KernelUsage.Parse(log))
            {
                kernels++;
                var name = $"{family}.cu: {usage.Kernel}";
                if (budgets.Of(usage.Kernel) is not { } budget)
                    problems.Add($"{name} has no budget (it takes {usage.Registers})");
                else if (usage.Registers > budget)
                    problems.Add($"{name} takes {usage.Registers} registers, its budget is {budget}");
                if (TileResidency.Problem(usage, architecture) is { } problem)
                    problems.Add($"{name} {problem}");
                if (usage.Stack + usage.SpillStores + usage.SpillLoads > 0)
                    problems.Add($"{name} has {usage.Stack} bytes of stack and spills {usage.SpillStores} + {usage.SpillLoads}");
                if (usage.SharedBytes > 48 << 10)
                    problems.Add($"{name} has {usage.SharedBytes} bytes of static shared memory, wants at most 48 KiB");
            }

            problems.AddRange(budgets.Unused.Select(stem => $"{family}.cu: the budget {stem} is no kernel's"));
            problems.AddRange(log.Split('\n').Where(line => line.Contains("warning", StringComparison.OrdinalIgnoreCase)).Select(line => $"{family}.cu: {line}"));
        }

        Assert.True(problems.Count == 0, $"NVRTC {version}, sm_{architecture}:\n{string.Join('\n', problems)}");
        Assert.True(kernels >= 3 * KernelSources.Families.Count, $"only {kernels} kernels were found in {KernelSources.Families.Count} families");
    }

    [Theory]
    [MemberData(nameof(PtxVersions))]
    public void No_kernel_computes_in_float64_that_does_not_say_so_in_its_name(string version)
    {
        var nvrtc = RealNvrtc.OrSkip(version);
        var problems = new List<string>();
        var wide = 0;
        foreach (var (family, ptx) in CompileAll(nvrtc, "compute_80", result => Encoding.ASCII.GetString(result.Image)))
        {
            foreach (var entry in ptx.Split(".visible .entry ")[1..])
            {
                var kernel = entry[..entry.IndexOf('(', StringComparison.Ordinal)].Trim();
                var instruction = WideInstruction().Match(entry);
                if (kernel.Contains("_f64", StringComparison.Ordinal) || kernel.Contains("_acc64", StringComparison.Ordinal))
                    wide += instruction.Success ? 1 : 0;
                else if (instruction.Success)
                    problems.Add($"{family}.cu: {kernel}: {instruction.Value.Trim()}");
            }
        }

        Assert.True(problems.Count == 0, $"NVRTC {version}:\n{string.Join('\n', problems)}");
        // That the pattern finds what it looks for.
        Assert.True(wide > KernelSources.Families.Count, $"only {wide} kernels with float64 were found");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_source_that_does_not_compile_is_an_exception_with_the_compilers_words(string version)
    {
        var nvrtc = RealNvrtc.OrSkip(version);
        var failure = Assert.Throws<DeviceException>(() => nvrtc.Compile(
            "broken.cu", "#include \"prelude.cuh\"\nKERNEL(32) broken(float* x) { x[0] = nothing; }\n",
            KernelSources.Headers, Array.ConvertAll(KernelSources.Headers, KernelSources.Read), KernelCompiler.Options("sm_80")));
        Assert.Contains("broken.cu(2)", failure.Message, StringComparison.Ordinal);
        Assert.Contains("\"nothing\" is undefined", failure.Message, StringComparison.Ordinal);
        Assert.Contains(version, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_device_gets_code_of_its_own_generation(string version)
    {
        var nvrtc = RealNvrtc.OrSkip(version);
        Assert.Equal(86, nvrtc.ArchitectureFor(8, 6));
        Assert.Equal(90, nvrtc.ArchitectureFor(9, 0));
        // A later device of a generation that is known runs its code; one of an unknown generation does not.
        Assert.Equal(90, nvrtc.ArchitectureFor(9, 9));
        var failure = Assert.Throws<DeviceException>(() => nvrtc.ArchitectureFor(77, 1));
        Assert.Contains("sm_771", failure.Message, StringComparison.Ordinal);
        Assert.Contains("install a newer NVRTC", failure.Message, StringComparison.Ordinal);
    }

    private static int[] ArchitecturesFor(string version)
    {
        if (All)
            return Architectures;
        return version == RealNvrtc.Versions.Last() ? [Architectures[0], Architectures[^1]] : Architectures[..1];
    }

    // In the order of the families; NVRTC may be called from several threads. What did not change since the last run is not compiled again.
    private static (string Family, string Text)[] CompileAll(NvrtcLibrary nvrtc, string architecture, Func<NvrtcResult, string> text)
    {
        var cache = new CubinCache(Path.Combine(AppContext.BaseDirectory, "nvrtc-cache"));
        return KernelSources.Families.AsParallel().AsOrdered().Select(family => (family, CompileOne(family))).ToArray();

        string CompileOne(string family)
        {
            var key = CubinCache.Key(
                [KernelSources.OfFamily(family), .. KernelSources.Headers.Select(KernelSources.Read), .. KernelCompiler.Options(architecture), nvrtc.Version.ToString()]);
            if (cache.Find(family, key) is { } known)
                return Encoding.UTF8.GetString(known);
            var result = text(KernelCompiler.Compile(nvrtc, family, architecture, verbose: true));
            cache.Keep(family, key, Encoding.UTF8.GetBytes(result));
            return result;
        }
    }

    // An instruction, not the word in a name: "  fma.rn.f64 %fd1, ...". Loads and moves of 8 bytes are typed .f64 too, but only where
    // the source says double.
    [GeneratedRegex(@"\t[a-z][a-z0-9.]*\.f64[^;]*;")]
    private static partial Regex WideInstruction();
}

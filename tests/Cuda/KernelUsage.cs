using System.Globalization;
using System.Text.RegularExpressions;

namespace EscNative.Tests.Cuda;

/// <summary>What the compiler says a kernel uses, in its log under <c>--ptxas-options=-v</c>.</summary>
internal sealed partial record KernelUsage(string Kernel, int Registers, int Stack, int SpillStores, int SpillLoads, int SharedBytes)
{
    public static IReadOnlyList<KernelUsage> Parse(string log)
    {
        var usages = new List<KernelUsage>();
        foreach (var part in log.Split("Compiling entry function '")[1..])
        {
            var frame = Frame().Match(part);
            var used = Used().Match(part);
            Assert.True(frame.Success && used.Success, $"a log that cannot be read:\n{part}");
            usages.Add(new KernelUsage(
                part[..part.IndexOf('\'', StringComparison.Ordinal)],
                Number(used, 1), Number(frame, 1), Number(frame, 2), Number(frame, 3), Shared().Match(part) is { Success: true } shared ? Number(shared, 1) : 0));
        }

        return usages;
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")]
    private static partial Regex Frame();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Used();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();
}

using System.Globalization;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>The registers that a family allows its kernels: its lines <c>// budget: stem=40 stem_f64=64</c>.</summary>
internal sealed class KernelBudgets
{
    private static readonly string[] Suffixes = ["_f32", "_bf16", "_f64", "_i32", "_u8", "_b8", "_b16", "_b32", "_b64", "_b128"];

    private readonly Dictionary<string, int> _budgets = [];
    private readonly HashSet<string> _used = [];

    public KernelBudgets(string family)
    {
        const string mark = "// budget:";
        foreach (var line in KernelSources.OfFamily(family).Split('\n').Where(line => line.StartsWith(mark, StringComparison.Ordinal)))
        {
            foreach (var entry in line[mark.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                var parts = entry.Split('=');
                Assert.True(_budgets.TryAdd(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture)), $"{family}: two budgets for {parts[0]}");
            }
        }
    }

    /// <summary>Entries that no kernel asked for.</summary>
    public IEnumerable<string> Unused => _budgets.Keys.Except(_used);

    /// <summary>The kernel's own budget, else that of the longest stem that has one; null where there is none.</summary>
    public int? Of(string kernel)
    {
        foreach (var name in Names(kernel))
        {
            if (_budgets.TryGetValue(name, out var budget))
            {
                _used.Add(name);
                return budget;
            }
        }

        return null;
    }

    private static IEnumerable<string> Names(string kernel)
    {
        yield return kernel;
        while (Suffixes.FirstOrDefault(suffix => kernel.EndsWith(suffix, StringComparison.Ordinal)) is { } last)
        {
            kernel = kernel[..^last.Length];
            yield return kernel;
        }
    }
}

using System.Diagnostics;

namespace EscNative.Tests.Cuda;

/// <summary>The emulated machine itself: a C++ program calls it as the product does, each case in a process of its own.</summary>
public sealed class EmulatorTests
{
    private static readonly string Folder = Path.Combine(EmulatedMachine.BuildFolder, "selftest");

    private static readonly Lazy<string?> Problem = new(() => EmulatedMachine.Build(Folder, "--sources", Path.Combine(EmulatedMachine.Sources, "selftest")));

    [Theory]
    [InlineData("schedules")]
    [InlineData("right_kernels_pass")]
    [InlineData("plain_reports")]
    [InlineData("checked_reports")]
    [InlineData("cooperative")]
    [InlineData("capture")]
    [InlineData("faults")]
    [InlineData("faults_from_environment")]
    [InlineData("bad_calls")]
    [InlineData("images")]
    [InlineData("lazy")]
    [InlineData("products")]
    [InlineData("solvers")]
    public void Holds(string name)
    {
        Build();
        var (code, output) = Run(name);
        Assert.True(code == 0, output);
    }

    [Fact]
    public void Every_case_is_run()
    {
        Build();
        var cases = Run("--list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order();
        var rows = typeof(EmulatorTests).GetMethod(nameof(Holds))!.GetCustomAttributes(false).OfType<InlineDataAttribute>().Select(row => (string)row.Data[0]!).Order();
        Assert.Equal(cases, rows);
    }

    private static void Build()
    {
        Assert.SkipWhen(EmulatedMachine.UsesGpu, "a GPU is tested, not the emulated machine");
        if (EmulatedMachine.UnavailableReason is { } reason)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        Assert.True(Problem.Value is null, Problem.Value);
    }

    private static (int Code, string Output) Run(string argument)
    {
        var start = new ProcessStartInfo(Path.Combine(Folder, "selftest"), [argument]) { RedirectStandardOutput = true, Environment = { ["ESC_CUDA_PATH"] = Folder } };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}

using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EscNative.Tests.Cuda;

/// <summary>The runner of the bundle for a GPU machine, with programs that behave as a test wants in place of its own.</summary>
public sealed partial class GpuBundleTests : IDisposable
{
    // Answers by step: what doctor, the tests (by the environment that their step sets) and the kernels' benchmark print.
    private const string Programs = """
        #!/usr/bin/env bash
        echo "$*" >> "$FAKE_CALLS"
        case "$*" in
          *doctor*) eval "${FAKE_DOCTOR:-echo "compiled for cuda:0, and their result is right"}" ;;
          *escnative.dll*) eval "${FAKE_BENCH:-echo measured}" ;;
          *) if [[ ${ESC_TEST_RECORD:-} ]]; then echo record > "$ESC_TEST_RECORD"; fi
             if [[ ${ESC_CUDA_GEMM:-} ]]; then what=${FAKE_PRODUCTS:-}; elif [[ ${ESC_TEST_DEVICE:-} ]]; then what=${FAKE_ENGINE:-}; elif [[ ${ESC_TEST_RECORD:-} ]]; then what=${FAKE_RECORD:-}; else what=${FAKE_KERNELS:-}; fi
             eval "${what:-echo "   Tests  Total: 5, Errors: 0, Failed: 0, Skipped: 1, Not Run: 0, Time: 1s"}" ;;
        esac
        """;

    private readonly TemporaryFolder _folder = new();

    public GpuBundleTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "bash on Linux");
        foreach (var folder in (string[])["dotnet", "app", "emulation"])
            Directory.CreateDirectory(_folder[$"gpu/{folder}"]);
        File.WriteAllText(_folder["gpu/dotnet/dotnet"], Programs);
#pragma warning disable CA1416 // Skipped elsewhere.
        File.SetUnixFileMode(_folder["gpu/dotnet/dotnet"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
#pragma warning restore CA1416
        File.WriteAllText(_folder["gpu/emulation/libcuda.so.1"], "");
        File.Copy(Script, _folder["gpu/run.sh"]);
    }

    private static string Script => Path.Combine(Repository.Root, "bench", "gpu", "run.sh");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Steps_pass_that_ran_tests_and_one_archive_and_the_summary_come_out()
    {
        var (code, output) = Run([]);
        Assert.True(code == 0, output);
        var steps = Steps("whole");
        Assert.All(
            (string[])["doctor", "record", "kernel-tests", "engine-tests", "kernels", "products-own", "products-cublas"], name => Assert.Equal("passed", steps[name].Result));
        Assert.Equal("Total: 5, Errors: 0, Failed: 0, Skipped: 1", steps["engine-tests"].Counts);
        // This machine has neither: told, and not passed.
        Assert.All((string[])["sanitizer-memcheck", "sanitizer-racecheck", "sanitizer-synccheck", "probe"], name => Assert.Equal("not run", steps[name].Result));
        Assert.Equal(["results.tar.gz", "summary.json"], Directory.GetFiles(_folder["out"]).Select(file => Path.GetFileName(file)).Order());
        Assert.Contains("results/engine-tests.log", Archive(), StringComparison.Ordinal);
        // Filters of two kinds would both have to hold.
        Assert.All(File.ReadLines(_folder["calls"]), call => Assert.False(
            (call.Contains("-class ", StringComparison.Ordinal) ? 1 : 0) + (call.Contains("-method ", StringComparison.Ordinal) ? 1 : 0) + (call.Contains("-namespace ", StringComparison.Ordinal) ? 1 : 0) > 1, call));
    }

    [Theory]
    [InlineData("echo 'no summary at all'", "no count of tests")]
    [InlineData("echo 'Total: 0, Errors: 0, Failed: 0, Skipped: 0, Not Run: 900'", "no test ran")]
    [InlineData("echo 'Total: 7, Errors: 0, Failed: 0, Skipped: 7'", "every test was skipped")]
    [InlineData("echo 'Total: 7, Errors: 0, Failed: 1, Skipped: 0'", "")]
    [InlineData("echo 'Total: 7, Errors: 1, Failed: 0, Skipped: 0'", "")]
    [InlineData("echo 'Total: 7, Errors: 0, Failed: 0, Skipped: 0'; exit 3", "")]
    public void A_step_of_tests_fails_without_tests_that_ran_and_passed(string says, string note)
    {
        var (code, output) = Run(new() { ["FAKE_ENGINE"] = says });
        Assert.True(code == 1, output);
        var steps = Steps("whole");
        Assert.Equal("failed", steps["engine-tests"].Result);
        Assert.Equal(note, steps["engine-tests"].Note);
        Assert.Equal("passed", steps["kernel-tests"].Result);
        Assert.Equal("passed", steps["products-own"].Result);
    }

    [Theory]
    [InlineData("echo no driver; exit 4", "doctor failed")]
    [InlineData("echo the sum of 1000 twos is 3", "doctor did not see")]
    [InlineData("echo 'cuda:0 EMULATED'; echo their result is right", "doctor sees the emulated device")]
    public void Without_a_device_that_computes_rightly_nothing_else_is_run(string says, string reason)
    {
        var (code, output) = Run(new() { ["FAKE_DOCTOR"] = says });
        Assert.True(code == 4, output);
        Assert.Contains(reason, output, StringComparison.Ordinal);
        // With doctor's words.
        Assert.Contains(says.Split(';')[0].Replace("echo ", "", StringComparison.Ordinal).Trim('\''), output, StringComparison.Ordinal);
        Assert.Equal(["doctor"], Steps(null).Keys);
        Assert.Single(File.ReadLines(_folder["calls"]));
    }

    [Fact]
    public void What_no_time_is_left_for_is_listed_as_not_run()
    {
        // 15 s are kept for the end of a step that must be killed: five are left for all of them.
        var (code, output) = Run(new() { ["FAKE_RECORD"] = "exec sleep 60" }, "--seconds", "20");
        Assert.True(code == 1, output);
        var steps = Steps("whole");
        Assert.Equal("failed", steps["record"].Result);
        Assert.Contains("stopped after", steps["record"].Note, StringComparison.Ordinal);
        Assert.Equal("not run", steps["engine-tests"].Result);
        Assert.Contains("no time left of 20 s", steps["engine-tests"].Note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_is_optional_and_its_absence_is_told()
    {
        var (code, output) = Run([], "--no-record");
        Assert.True(code == 0, output);
        Assert.StartsWith("not compared", Steps("whole")["kernel-tests"].Note, StringComparison.Ordinal);
        File.Delete(_folder["gpu/emulation/libcuda.so.1"]);
        (code, output) = Run([]);
        Assert.True(code == 0, output);
        Assert.Equal("not run", Steps("whole")["record"].Result);
        Assert.StartsWith("not compared", Steps("whole")["kernel-tests"].Note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_is_cut_short_leaves_what_it_had()
    {
        using var process = Start(new() { ["FAKE_ENGINE"] = $"echo begun; touch '{_folder["begun"]}'; exec sleep 60" });
        while (!File.Exists(_folder["begun"]))
        {
            Assert.False(process.HasExited, "the script ended early");
            Thread.Sleep(20);
        }

        // The summary of the steps before is there while the next one runs.
        Assert.Equal("passed", Steps("running")["kernel-tests"].Result);
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
            kill.WaitForExit();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 143, output);
        var steps = Steps("cut short");
        Assert.Equal("passed", steps["kernel-tests"].Result);
        Assert.Equal(("failed", "cut short"), (steps["engine-tests"].Result, steps["engine-tests"].Note));
        Assert.Contains("results/engine-tests.log", Archive(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_endless_log_is_cut_so_that_the_archive_stays_small()
    {
        var (code, output) = Run(new() { ["FAKE_BENCH"] = "head -c 40000000 /dev/urandom" });
        Assert.True(code == 0, output);
        Assert.InRange(new FileInfo(_folder["out/results.tar.gz"]).Length, 1, 1 << 20);
    }

    [Fact]
    public void Every_filter_of_the_bundle_meets_tests()
    {
        var tests = typeof(GpuBundleTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance).Where(method => method.GetCustomAttributes<FactAttribute>(true).Any())
                .Select(method => (Class: type.FullName!, Method: $"{type.FullName}.{method.Name}"))).ToList();
        var filters = Filter().Matches(File.ReadAllText(Script));
        Assert.True(filters.Count >= 20, $"{filters.Count} filters");
        Assert.All(filters, filter =>
        {
            var (kind, pattern) = (filter.Groups[1].Value, "^" + Regex.Escape(filter.Groups[2].Value).Replace(@"\*", ".*", StringComparison.Ordinal) + "$");
            Assert.True(tests.Any(test => Regex.IsMatch(kind == "method" ? test.Method : test.Class, pattern)), filter.Value);
        });
    }

    private (int Code, string Output) Run(Dictionary<string, string> environment, params string[] options)
    {
        using var process = Start(environment, options);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    private Process Start(Dictionary<string, string> environment, params string[] options)
    {
        var start = new ProcessStartInfo("bash", [_folder["gpu/run.sh"], "--out", _folder["out"], "--no-sanitizer", .. options]) { RedirectStandardOutput = true };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("ESC_", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        // No python3, whose PyTorch might see a GPU.
        start.Environment["PATH"] = "/usr/bin:/bin";
        start.Environment["FAKE_CALLS"] = _folder["calls"];
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private Dictionary<string, (string Result, string Counts, string Note)> Steps(string? ended)
    {
        using var summary = JsonDocument.Parse(File.ReadAllText(_folder["out/summary.json"]));
        if (ended is not null)
            Assert.Equal(ended, summary.RootElement.GetProperty("ended").GetString());
        return summary.RootElement.GetProperty("steps").EnumerateArray().ToDictionary(
            step => step.GetProperty("step").GetString()!,
            step => (step.GetProperty("result").GetString()!, step.GetProperty("counts").GetString()!, step.GetProperty("note").GetString()!));
    }

    private string Archive()
    {
        using var tar = Process.Start(new ProcessStartInfo("tar", ["-tzf", _folder["out/results.tar.gz"]]) { RedirectStandardOutput = true })!;
        var list = tar.StandardOutput.ReadToEnd();
        tar.WaitForExit();
        Assert.Equal(0, tar.ExitCode);
        return list;
    }

    [GeneratedRegex(@"-(class|method)-? ""(EscNative\.Tests\.[^""]+)""")]
    private static partial Regex Filter();
}

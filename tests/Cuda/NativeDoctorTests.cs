using System.Diagnostics;
using EscNative.Bench.Reports;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Tests.Bench;

namespace EscNative.Tests.Cuda;

/// <summary>What the tool says of CUDA on machines that have it, or a part of it.</summary>
public sealed class NativeDoctorTests
{
    // A driver that says what a test wants of it, and can do nothing else.
    private const string FakeDriver = """
        #include <cstddef>
        #include <cstring>
        #define EXPORT extern "C" __attribute__((visibility("default")))
        EXPORT int cuInit(unsigned) { return INIT; }
        EXPORT int cuDriverGetVersion(int* version) { *version = VERSION; return REFUSED; }
        EXPORT int cuGetErrorName(int, const char** text) { *text = "CUDA_ERROR_FAKE"; return 0; }
        EXPORT int cuGetErrorString(int, const char** text) { *text = "as asked for"; return 0; }
        EXPORT int cuDeviceGetCount(int* count) { *count = COUNT; return 0; }
        EXPORT int cuDeviceGet(int* device, int ordinal) { *device = ordinal; return 0; }
        EXPORT int cuDeviceGetName(char* name, int, int) { strcpy(name, "Fake GPU"); return 0; }
        EXPORT int cuDeviceGetAttribute(int* value, int attribute, int) { *value = attribute == 75 ? 7 : 5; return 0; }
        EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int) { *bytes = 1 << 30; return 0; }
        """;

    [Fact]
    public void The_emulated_machine_is_told_apart_and_its_kernels_run()
    {
        using var folder = new TemporaryFolder();
        var (outcome, findings) = Doctor(folder, Emulator(), "--device", "cuda");
        Assert.True(outcome.Code == 0, outcome.ToString());
        var device = findings.Single(f => f.Subject == "cuda:0");
        Assert.Contains("EMULATED", device.Found, StringComparison.Ordinal);
        Assert.Equal("compiled for cuda:0, and their result is right", findings.Single(f => f.Subject == "kernels").Found);
        foreach (var library in (string[])["CUDA driver", "NVRTC", "cuBLAS", "cuSOLVER"])
        {
            var finding = findings.Single(f => f.Subject == library);
            Assert.True(finding.Ok, finding.Found);
            Assert.Contains(Emulator(), finding.Found, StringComparison.Ordinal);
        }

        Assert.Contains("CUDA 12.", findings.Single(f => f.Subject == "CUDA driver").Found, StringComparison.Ordinal);
        Assert.Equal(folder["cubin"], findings.Single(f => f.Subject == "kernel cache").Found);
        Assert.NotEmpty(Directory.GetFiles(folder["cubin"]));
    }

    [Fact]
    public void Nobody_gets_the_emulated_machine_by_chance()
    {
        using var folder = new TemporaryFolder();
        var (outcome, findings) = Doctor(folder, Emulator());
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.StartsWith("cpu (the GPU is emulated", findings.Single(f => f.Subject == "device").Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_CUDA_is_no_fault_unless_CUDA_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        var (outcome, findings) = Doctor(folder, folder["empty"]);
        Assert.True(outcome.Code == 0, outcome.ToString());
        var cuda = findings.Single(f => f.Subject == "CUDA");
        Assert.True(cuda.Ok);
        Assert.Contains(Path.Combine(folder["empty"], "libcuda.so.1"), cuda.Found, StringComparison.Ordinal);
        Refused(folder, folder["empty"], Path.Combine(folder["empty"], "libcuda.so.1"), "install NVIDIA's driver");
    }

    [Fact]
    public void A_driver_without_NVRTC_is_half_an_installation()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["libcuda.so.1"], Path.Combine(Emulator(), "libcuda.so.1"));
        var (outcome, findings) = Doctor(folder, folder.Path);
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.False(findings.Single(f => f.Subject == "CUDA").Ok);
        Refused(folder, folder.Path, "NVRTC: not found", folder["libnvrtc.so.12"], "pip install nvidia-cuda-nvrtc-cu12");
    }

    [Theory]
    [InlineData(11040, 0, 0, 1, "the driver supports CUDA 11.4, wants 11.8 or newer; install driver 520 or newer")]
    [InlineData(12040, 0, 0, 0, "the driver sees no device")]
    [InlineData(12040, 0, 100, 1, "does not start: CUDA_ERROR_FAKE (100): as asked for")]
    [InlineData(12040, 999, 0, 1, "does not say its version: CUDA_ERROR_FAKE (999)")]
    [InlineData(13000, 0, 0, 1, "cuda:0 (Fake GPU): has compute capability 7.5, wants 8.0 or newer; use --device cpu")]
    public void A_driver_that_will_not_do_is_refused_with_the_reason(int version, int refused, int init, int count, string words)
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["libnvrtc.so.12"], Path.Combine(Emulator(), "libnvrtc.so.12"));
        File.WriteAllText(folder["driver.cpp"], FakeDriver);
        Compile(folder["driver.cpp"], folder["libcuda.so.1"], $"-DVERSION={version}", $"-DREFUSED={refused}", $"-DINIT={init}", $"-DCOUNT={count}");
        Refused(folder, folder.Path, words);
        var (outcome, findings) = Doctor(folder, folder.Path);
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.StartsWith("cpu (", findings.Single(f => f.Subject == "device").Found, StringComparison.Ordinal);
        Assert.Contains(findings, f => f.Found.Contains(words, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "cannot be loaded")]
    [InlineData(false, "is not a CUDA driver, or one before 11.8")]
    public void A_file_under_the_drivers_name_that_is_none_is_refused(bool text, string words)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["driver.cpp"], "int nothing;");
        if (text)
            File.Copy(folder["driver.cpp"], folder["libcuda.so.1"]);
        else
            Compile(folder["driver.cpp"], folder["libcuda.so.1"]);
        Refused(folder, folder.Path, words, folder["libcuda.so.1"]);
    }

    [Fact]
    public async Task Processes_that_compile_at_once_share_the_cache_and_leave_it_whole()
    {
        using var folder = new TemporaryFolder();
        var environment = new Dictionary<string, string> { ["ESC_CUDA_PATH"] = Emulator(), ["ESC_CUDA_CACHE"] = folder["cubin"] };
        for (var round = 0; round < 2; round++)
        {
            var processes = Enumerable.Range(0, 3)
                .Select(i => ToolProcess.Start(null, environment, "doctor", "--device", "cuda", "--json", folder[$"{round}-{i}.json"])).ToArray();
            foreach (var process in processes)
            {
                using (process)
                {
                    var output = process.StandardOutput.ReadToEndAsync();
                    var error = await process.StandardError.ReadToEndAsync();
                    await process.WaitForExitAsync();
                    Assert.True(process.ExitCode == 0, await output + error);
                    Assert.Contains("their result is right", await output, StringComparison.Ordinal);
                }
            }

            var cache = new CubinCache(folder["cubin"]);
            var files = Directory.GetFiles(folder["cubin"]).Select(path => Path.GetFileName(path)).ToArray();
            Assert.True(files.Length >= 3, string.Join(' ', files));
            Assert.All(files, file =>
            {
                Assert.EndsWith(".cubin", file, StringComparison.Ordinal);
                var dash = file.IndexOf('-', StringComparison.Ordinal);
                Assert.NotNull(cache.Find(file[..dash], file[(dash + 1)..^".cubin".Length]));
            });
            // The second round finds half a file.
            var first = Path.Combine(folder["cubin"], files[0]);
            File.WriteAllBytes(first, File.ReadAllBytes(first)[..20]);
        }
    }

    private static string Emulator()
    {
        Assert.SkipWhen(EmulatedMachine.UsesGpu, "a GPU is tested, not the emulated machine");
        if (EmulatedMachine.UnavailableReason is { } reason)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        return Environment.GetEnvironmentVariable("ESC_CUDA_PATH")!;
    }

    private static (ToolProcess.Outcome Outcome, IReadOnlyList<FindingResult> Findings) Doctor(TemporaryFolder folder, string cuda, params string[] options)
    {
        var json = folder[$"{Guid.NewGuid():N}.json"];
        var outcome = ToolProcess.Run(
            new Dictionary<string, string> { ["ESC_CUDA_PATH"] = cuda, ["ESC_CUDA_CACHE"] = folder["cubin"] }, ["doctor", "--json", json, .. options]);
        return (outcome, File.Exists(json) ? ResultJson.Parse(File.ReadAllText(json)).Findings! : []);
    }

    private static void Refused(TemporaryFolder folder, string cuda, params string[] words)
    {
        var (outcome, _) = Doctor(folder, cuda, "--device", "cuda");
        Assert.True(outcome.Code == 4, outcome.ToString());
        Assert.Empty(outcome.Output);
        Assert.All(words, word => Assert.Contains(word, outcome.Error, StringComparison.Ordinal));
    }

    private static void Compile(string source, string library, params string[] options)
    {
        var start = new ProcessStartInfo("g++", ["-shared", "-fPIC", "-fvisibility=hidden", .. options, source, "-o", library]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }
}

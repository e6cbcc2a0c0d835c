using EscNative.Tests.Bench;

namespace EscNative.Tests.Cuda;

/// <summary>A machine with a GPU and no cuSOLVER, which is an optional library.</summary>
public sealed class CusolverMissingTests
{
    [Fact]
    public void Its_solvers_say_what_to_install_and_the_others_work()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        Assert.SkipWhen(!machine.Context.IsEmulated, "the emulated machine's libraries can be left out");
        using var folder = new TemporaryFolder();
        foreach (var library in (string[])["libcuda.so.1", "libnvrtc.so.12"])
            File.CreateSymbolicLink(folder[library], Path.GetFullPath(Path.Combine(Environment.GetEnvironmentVariable("ESC_CUDA_PATH")!, library)));
        using var files = new SmallFiles();

        var refused = Unlearn("gram-eigen");
        Assert.True(refused.Code == 4, refused.ToString());
        Assert.Contains("cuSOLVER", refused.Error, StringComparison.Ordinal);
        Assert.Contains("nvidia-cusolver", refused.Error, StringComparison.Ordinal);
        Assert.Contains("choose the solver subspace-iteration", refused.Error, StringComparison.Ordinal);

        var done = Unlearn("subspace-iteration");
        Assert.True(done.Code == 0, done.ToString());

        ToolProcess.Outcome Unlearn(string solver) => ToolProcess.Run(
            new Dictionary<string, string> { ["ESC_CUDA_PATH"] = folder.Path, ["ESC_CUDA_CACHE"] = folder["cubin"] },
            "unlearn", "--model-file", files.Model, "--forget-class", "4", "--k", "2", "--device", "cuda", "--solver", solver,
            "--output", folder[$"{solver}.safetensors"]);
    }
}

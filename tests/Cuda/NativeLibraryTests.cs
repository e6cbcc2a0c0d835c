using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Loading;
using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Tests.Cuda;

/// <summary>Where native libraries are looked for, under which names, and what is said when they are not there.</summary>
public sealed class NativeLibraryTests
{
    [Theory]
    [InlineData("Driver", false, null, "libcuda.so.1")]
    [InlineData("Driver", true, null, "nvcuda.dll")]
    [InlineData("Nvrtc", false, null, "libnvrtc.so.13 libnvrtc.so.12 libnvrtc.so.11.2")]
    [InlineData("Nvrtc", true, null, "nvrtc64_130_0.dll nvrtc64_120_0.dll nvrtc64_112_0.dll")]
    [InlineData("Nvrtc", false, 12, "libnvrtc.so.12 libnvrtc.so.11.2 libnvrtc.so.13")]
    [InlineData("Nvrtc", true, 11, "nvrtc64_112_0.dll nvrtc64_130_0.dll nvrtc64_120_0.dll")]
    [InlineData("Nvrtc", false, 14, "libnvrtc.so.13 libnvrtc.so.12 libnvrtc.so.11.2")]
    [InlineData("Cublas", false, null, "libcublas.so.13 libcublas.so.12 libcublas.so.11")]
    [InlineData("Cublas", true, 12, "cublas64_12.dll cublas64_11.dll cublas64_13.dll")]
    [InlineData("Cusolver", false, null, "libcusolver.so.12 libcusolver.so.11")]
    [InlineData("Cusolver", true, 12, "cusolver64_11.dll cusolver64_12.dll")]
    public void Libraries_have_names_by_system_and_version_of_the_driver(string library, bool windows, int? driver, string names) =>
        Assert.Equal(names, string.Join(' ', LibraryNames.Of(Enum.Parse<CudaLibrary>(library), windows, driver)));

    [Theory]
    [InlineData("libnvrtc.so.12", "libnvrtc-builtins.so.12.*")]
    [InlineData("libnvrtc.so.13", "libnvrtc-builtins.so.13.*")]
    [InlineData("nvrtc64_120_0.dll", "nvrtc-builtins64_12*.dll")]
    [InlineData("nvrtc64_112_0.dll", "nvrtc-builtins64_11*.dll")]
    [InlineData("libcublas.so.12", "libcublasLt.so.12")]
    [InlineData("cublas64_13.dll", "cublasLt64_13.dll")]
    [InlineData("libcuda.so.1", null)]
    public void What_a_library_needs_is_loaded_before_it(string file, string? first) =>
        Assert.Equal(first is null ? [] : [first], LibraryNames.Before(file));

    [Fact]
    public void ESC_CUDA_PATH_names_the_only_folders()
    {
        var path = $"/a{Path.PathSeparator}/b";
        Assert.Equal(["/a", "/b"], LibraryFolders.Of(name => name == LibraryFolders.Variable ? path : "/elsewhere", windows: false));
        Assert.Equal(["/a", "/b"], LibraryFolders.Of(name => name == LibraryFolders.Variable ? path : "/elsewhere", windows: true));
    }

    [Fact]
    public void Linux_is_searched_from_the_loaders_path_to_python_environments_newest_first()
    {
        using var folder = new TemporaryFolder();
        var environment = folder["venv"];
        foreach (var python in new[] { "python3.9", "python3.12" })
            Directory.CreateDirectory(Path.Combine(environment, "lib", python, "site-packages", "nvidia", "cuda_nvrtc", "lib"));
        var folders = LibraryFolders.Of(name => name switch { "VIRTUAL_ENV" => environment, "CUDA_HOME" => "/opt/toolkit", _ => null }, windows: false).ToList();
        Assert.Equal(["", "/opt/toolkit/lib64", "/opt/toolkit/targets/x86_64-linux/lib", "/usr/local/cuda/lib64"], folders[..4]);
        var newer = Path.Combine(environment, "lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib");
        var older = Path.Combine(environment, "lib/python3.9/site-packages/nvidia/cuda_nvrtc/lib");
        Assert.InRange(folders.IndexOf(newer), 5, folders.IndexOf(older) - 1);
    }

    [Fact]
    public void Windows_is_searched_in_the_toolkit_too()
    {
        var folders = LibraryFolders.Of(name => name == "CUDA_PATH" ? "C:/CUDA/v13.0" : null, windows: true);
        Assert.Equal(["", Path.Combine("C:/CUDA/v13.0", "bin"), Path.Combine("C:/CUDA/v13.0", "bin", "x64")], folders);
    }

    [Fact]
    public void A_folder_without_libraries_gives_every_path_tried_and_the_fix()
    {
        using var folder = new TemporaryFolder();
        var handle = new LibrarySearch([folder.Path], windows: false).Load(CudaLibrary.Nvrtc, null, out var finding);
        Assert.Equal(0, handle);
        Assert.Null(finding.Path);
        Assert.Equal("not found", finding.Problem);
        Assert.Equal([folder["libnvrtc.so.13"], folder["libnvrtc.so.12"], folder["libnvrtc.so.11.2"]], finding.Tried);
        Assert.Contains("nvidia-cuda-nvrtc-cu12", finding.Fix, StringComparison.Ordinal);
        Assert.Contains(folder["libnvrtc.so.12"], CudaRuntime.Explain(finding), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_library_is_told_with_the_loaders_words_and_the_search_goes_on()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["libcublas.so.13"], "not a library");
        var handle = new LibrarySearch([folder.Path], windows: false).Load(CudaLibrary.Cublas, null, out var finding);
        Assert.Equal(0, handle);
        Assert.StartsWith($"{folder["libcublas.so.13"]} cannot be loaded", finding.Problem, StringComparison.Ordinal);
        Assert.Equal(3, finding.Tried.Count);
        Assert.StartsWith(folder["libcublas.so.13"] + ": ", finding.Tried[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_of_another_kind_is_refused_for_what_it_lacks()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "takes a library of the system");
        var failure = Assert.Throws<DeviceException>(() => new NvrtcLibrary(System.Runtime.InteropServices.NativeLibrary.Load("libc.so.6")));
        Assert.Contains("nvrtcVersion", failure.Message, StringComparison.Ordinal);
        Assert.Contains("11.8 or newer", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_is_found_with_its_place_and_version()
    {
        // Any library of the system, under the name of one that no other test loads.
        Assert.SkipUnless(OperatingSystem.IsLinux(), "takes a library of the system");
        using var folder = new TemporaryFolder();
        var library = System.Diagnostics.Process.GetCurrentProcess().Modules.Cast<System.Diagnostics.ProcessModule>()
            .First(module => module.FileName.Contains("/libm.so", StringComparison.Ordinal) || module.FileName.Contains("/libc.so", StringComparison.Ordinal)).FileName;
        File.Copy(library, folder["libcusolver.so.12.1.0"]);
        File.CreateSymbolicLink(folder["libcusolver.so.12"], folder["libcusolver.so.12.1.0"]);
        var handle = new LibrarySearch(["/nowhere", folder.Path], windows: false).Load(CudaLibrary.Cusolver, null, out var finding);
        Assert.NotEqual(0, handle);
        Assert.Equal(folder["libcusolver.so.12"], finding.Path);
        Assert.Equal("12.1.0", finding.Version);
        Assert.Null(finding.Problem);
        Assert.Equal(["/nowhere/libcusolver.so.12", folder["libcusolver.so.12"]], finding.Tried);
    }
}

using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Tests.Cuda;

/// <summary>Compiled kernels between runs, devices and compilers: none is taken for another's.</summary>
public sealed class KernelCacheTests : IDisposable
{
    private static readonly CudaDeviceInfo Info = new(0, "NVIDIA H100 80GB HBM3", 9, 0, 132, 80L << 30);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_key_holds_the_device()
    {
        var nvrtc = Emulated();
        string[] keys =
        [
            KernelCompiler.KeyOf(nvrtc, "copy", Info), KernelCompiler.KeyOf(nvrtc, "copy", Info with { Name = "NVIDIA H200" }),
            // Both run code for sm_90.
            KernelCompiler.KeyOf(nvrtc, "copy", Info with { Minor = 3 }), KernelCompiler.KeyOf(nvrtc, "copy", Info with { Major = 8, Minor = 0 }),
            KernelCompiler.KeyOf(nvrtc, "reduce", Info),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        // The number of a device among others is no property of it.
        Assert.Equal(keys[0], KernelCompiler.KeyOf(nvrtc, "copy", Info with { Ordinal = 1 }));
    }

    [Theory]
    [MemberData(nameof(NvrtcTests.Versions), MemberType = typeof(NvrtcTests))]
    public void An_emulated_compiler_is_not_taken_for_NVIDIAs_of_the_same_version(string version)
    {
        var (real, emulated) = (RealNvrtc.OrSkip(version), Emulated());
        Assert.True(emulated.IsEmulated);
        Assert.False(real.IsEmulated);
        var cache = new CubinCache(_folder.Path);
        foreach (var (first, second) in ((NvrtcLibrary, NvrtcLibrary)[])[(emulated, real), (real, emulated)])
        {
            var left = KernelCompiler.MachineCode(first, cache, "copy", Info, out var isKept);
            Assert.False(isKept);
            var right = KernelCompiler.MachineCode(second, cache, "copy", Info, out isKept);
            Assert.False(isKept);
            Assert.NotEqual(left, right);
            foreach (var file in Directory.GetFiles(_folder.Path))
                File.Delete(file);
        }
    }

    [Fact]
    public void A_build_of_the_compiler_is_known_by_its_file()
    {
        var library = Path.Combine(EmulatorFolder(), "libnvrtc.so.12");
        var handle = NativeLibrary.Load(library);
        File.WriteAllText(_folder["libnvrtc.so.12.4.99"], "a");
        File.WriteAllText(_folder["libnvrtc.so.12.4.127"], "a");
        File.CreateSymbolicLink(_folder["link"], _folder["libnvrtc.so.12.4.127"]);
        string[] identities =
        [
            new NvrtcLibrary(handle).Identity, new NvrtcLibrary(handle, library).Identity, new NvrtcLibrary(handle, _folder["libnvrtc.so.12.4.99"]).Identity,
            new NvrtcLibrary(handle, _folder["libnvrtc.so.12.4.127"]).Identity,
        ];
        Assert.Equal(identities.Length, identities.Distinct().Count());
        Assert.Equal(identities[3], new NvrtcLibrary(handle, _folder["link"]).Identity);
        Assert.Equal(identities[0], new NvrtcLibrary(handle, _folder["missing"]).Identity);
    }

    [Fact]
    public void An_entry_in_the_place_of_another_counts_as_missing()
    {
        var cache = new CubinCache(_folder.Path);
        cache.Keep("copy", "key", [1, 2, 3]);
        File.Copy(cache.PathOf("copy", "key")!, cache.PathOf("reduce", "key")!);
        File.Copy(cache.PathOf("copy", "key")!, cache.PathOf("copy", "other")!);
        Assert.Equal([1, 2, 3], cache.Find("copy", "key"));
        Assert.Null(cache.Find("reduce", "key"));
        Assert.Null(cache.Find("copy", "other"));
    }

    [Theory]
    [InlineData("text")]
    [InlineData("half")]
    [InlineData("changed")]
    [InlineData("other architecture")]
    [InlineData("other version")]
    public void An_entry_that_will_not_load_is_compiled_anew_and_replaced(string fault)
    {
        using (var first = FaultDevice.OrSkip(_folder.Path))
            Use(first.Device);
        var good = Directory.GetFiles(_folder.Path).ToDictionary(file => file, File.ReadAllBytes);
        Assert.NotEmpty(good);

        // Whole as a file, and no module of this device.
        var cache = new CubinCache(_folder.Path);
        foreach (var path in good.Keys)
        {
            var name = Path.GetFileNameWithoutExtension(path);
            var (family, key) = (name[..name.IndexOf('-', StringComparison.Ordinal)], name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..]);
            var image = cache.Find(family, key)!;
            cache.Keep(family, key, fault switch
            {
                "text" => "no machine code"u8.ToArray().Concat(new byte[200]).ToArray(),
                "half" => [.. image.AsSpan(0, image.Length / 2), .. new byte[image.Length - (image.Length / 2)]],
                "changed" => [.. image.AsSpan(0, image.Length - 1), (byte)(image[^1] ^ 1)],
                "other architecture" => Emulated().Compile(
                    family + ".cu", KernelSources.OfFamily(family), KernelSources.Headers, Array.ConvertAll(KernelSources.Headers, KernelSources.Read),
                    KernelCompiler.Options("sm_90")).Image,
                _ => [0x7F, .. "ELF of another toolchain"u8, .. new byte[200]],
            });
        }

        using (var second = FaultDevice.OrSkip(_folder.Path))
            Use(second.Device);
        Assert.All(good, entry => Assert.Equal(entry.Value, File.ReadAllBytes(entry.Key)));
        Assert.Equal(good.Keys.Order(), Directory.GetFiles(_folder.Path).Order());
    }

    [Fact]
    public void A_module_that_does_not_load_when_it_is_new_either_is_an_error()
    {
        using (var first = FaultDevice.OrSkip(_folder.Path))
            Use(first.Device);
        using var second = FaultDevice.OrSkip(_folder.Path);
        EmulatorApi.Fail("cuModuleLoadData", 1, DriverApi.CUDA_ERROR_INVALID_IMAGE);
        EmulatorApi.Fail("cuModuleLoadData", 2, DriverApi.CUDA_ERROR_NO_BINARY_FOR_GPU);
        var failure = Assert.IsType<DeviceException>(Record.Exception(() => Use(second.Device)));
        Assert.Contains("cuModuleLoadData", failure.Message, StringComparison.Ordinal);
        Assert.Contains("(209)", failure.Message, StringComparison.Ordinal);
    }

    private static void Use(Device device)
    {
        using var x = Tensor.Ones(3, device: device);
        Assert.Equal([1f, 1, 1], x.ToArray());
    }

    private static string EmulatorFolder()
    {
        using (FaultDevice.OrSkip())
            return Environment.GetEnvironmentVariable("ESC_CUDA_PATH")!;
    }

    private static NvrtcLibrary Emulated() => new(NativeLibrary.Load(Path.Combine(EmulatorFolder(), "libnvrtc.so.12")));
}

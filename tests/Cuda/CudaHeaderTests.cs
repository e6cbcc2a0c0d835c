using System.Text.RegularExpressions;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>
/// What we declare of NVIDIA's libraries, held against NVIDIA's own headers by a compiler: every entry point's name, number of
/// parameters, and the width, kind and sign of each; every constant; the emulated machine's functions likewise.
/// </summary>
public sealed partial class CudaHeaderTests(ITestOutputHelper output)
{
    public static TheoryData<string> Versions => [.. CudaHeaders.Versions.DefaultIfEmpty("none")];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Every_declaration_is_what_the_header_says(string version)
    {
        var folder = CudaHeaders.OrSkip(version);
        var functions = CudaDeclarations.Functions();
        var constants = CudaDeclarations.Constants();
        // As many as the sources have: none is left out because it is written in another way.
        Assert.Equal(Count(@"\[LibraryImport\(") + Count(@"NativeLibrary\.GetExport\("), functions.Count);
        Assert.Equal(Count(@"^    public const "), constants.Count);
        Assert.True(functions.Count >= 75 && constants.Count >= 50, $"{functions.Count} functions, {constants.Count} constants");
        var errors = CudaHeaders.Compile(folder, functions, constants);
        Assert.True(errors.Length == 0, $"headers of CUDA {version}:\n{errors}");
        output.WriteLine($"CUDA {version}: {functions.Count} functions and {constants.Count} constants are as declared");
    }

    [Fact]
    public void The_emulated_machine_declares_what_the_header_says()
    {
        // It says that it is 12.4, which has all of its functions.
        var folder = CudaHeaders.OrSkip("12.4");
        var functions = CudaDeclarations.EmulatedFunctions();
        var results = CudaDeclarations.EmulatedResults();
        Assert.True(functions.Count >= 80 && results.Count >= 30, $"{functions.Count} functions, {results.Count} results");
        var bound = CudaDeclarations.Functions().Select(function => function.Name);
        Assert.Empty(bound.Except(functions.Select(function => function.Name)));
        var errors = CudaHeaders.Compile(folder, functions, results);
        Assert.True(errors.Length == 0, errors);
        output.WriteLine($"{functions.Count} functions and {results.Count} results are as declared");
    }

    [Fact]
    public void A_wrong_declaration_is_found_and_named()
    {
        var folder = CudaHeaders.OrSkip(CudaHeaders.Versions.FirstOrDefault() ?? "none");
        var functions = CudaDeclarations.Functions();
        var wrong = new List<(string Name, CudaFunctionDeclaration Planted)>();
        Plant("cuInit", p => ["int32_t"]);
        Plant("cuMemAlloc_v2", p => [p[0], "uint32_t"]);
        Plant("cuMemHostAlloc", p => [p[0], p[2], p[1]]);
        Plant("cuMemcpyHtoDAsync_v2", p => [p[0], p[2], p[1], p[3]]);
        Plant("cuMemFree_v2", p => ["uintptr_t"]);
        Plant("cuDeviceGetName", p => p[..2]);
        Plant("cuDriverGetVersion", p => ["int64_t*"]);
        Plant("cuEventElapsedTime", p => ["double*", p[1], p[2]]);
        Plant("cuGetErrorName", p => [p[0], "uint8_t*"]);
        Plant("cusolverDnDgesvd", p => [p[0], "int32_t", .. p[2..]]);
        Plant("cusolverDnXgesvdjSetTolerance", p => [p[0], "int64_t"]);
        Plant("cublasGemmStridedBatchedEx", p => [.. p[..10], "int32_t", .. p[11..]]);
        Plant("nvrtcCompileProgram", p => [p[0], p[1], "uint8_t*"]);
        Plant("cuStreamDestroy_v2", p => p, "cuStreamDestroy_v9");
        Plant("cuDeviceTotalMem_v2", p => p, "cuDeviceTotalMemory");
        (string Name, long Value)[] constants =
        [
            .. CudaDeclarations.Constants(), ("CU_DEVICE_ATTRIBUTE_WARP_SIZE", 11), ("CUDA_ERROR_INVALID_PTX", 219), ("CUBLAS_COMPUTE_16F", 65), ("CU_NO_SUCH_THING", 1),
        ];
        var planted = functions.Select(function => wrong.FirstOrDefault(w => w.Name == function.Name).Planted ?? function).ToList();
        var errors = CudaHeaders.Compile(folder, planted, constants);
        var named = ErrorLine().Matches(errors).Select(match => match.Value).ToList();
        string[] expected = [.. wrong.Select(w => w.Planted.Name), "CU_DEVICE_ATTRIBUTE_WARP_SIZE", "CUDA_ERROR_INVALID_PTX", "CUBLAS_COMPUTE_16F", "CU_NO_SUCH_THING"];
        Assert.All(expected, name => Assert.Contains(named, line => Regex.IsMatch(line, $@"\b{name}\b")));
        // And the right ones are not.
        Assert.DoesNotContain(functions, f => wrong.All(w => w.Name != f.Name) && named.Any(line => Regex.IsMatch(line, $@"error:.*\b{f.Name}\b")));
        Assert.DoesNotContain("is counted", CudaHeaders.Compile(folder, functions, CudaDeclarations.Constants()), StringComparison.Ordinal);

        void Plant(string name, Func<string[], string[]> change, string? rename = null)
        {
            var right = functions.Single(function => function.Name == name);
            wrong.Add((name, right with { Name = rename ?? name, Parameters = change(right.Parameters) }));
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Errors_that_NVIDIA_calls_the_end_of_a_process_are_taken_so(string version)
    {
        var text = File.ReadAllText(Path.Combine(CudaHeaders.OrSkip(version), "cuda.h"));
        var ends = 0;
        foreach (Match match in Error().Matches(text))
        {
            var (comment, name, code) = (Spaces().Replace(match.Groups[1].Value, " "), match.Groups[2].Value, int.Parse(match.Groups[3].Value, null));
            var isEnd = comment.Contains("must be terminated and relaunched", StringComparison.Ordinal) || comment.Contains("cannot be used anymore", StringComparison.Ordinal)
                || comment.Contains("uncorrectable", StringComparison.Ordinal) || comment.Contains("has been destroyed", StringComparison.Ordinal)
                || comment.Contains("shutting down", StringComparison.Ordinal);
            Assert.True(isEnd == DriverError.IsSticky(code), $"{name} ({code}), of which cuda.h of CUDA {version} says:{comment}");
            ends += isEnd ? 1 : 0;
        }

        Assert.InRange(ends, 15, 30);
    }

    [Theory]
    // Of CUDA 12.8 and later: no header here has them.
    [InlineData(226, true)]
    [InlineData(721, true)]
    [InlineData(810, true)]
    [InlineData(911, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(200, false)]
    [InlineData(701, false)]
    [InlineData(720, false)]
    [InlineData(805, false)]
    [InlineData(901, false)]
    public void Which_errors_end_the_use_of_a_device(int code, bool sticky) => Assert.Equal(sticky, DriverError.IsSticky(code));

    private static int Count(string pattern, string files = "*Api*.cs") => Directory.GetFiles(Path.Combine(Repository.Root, "kernels/Cuda"), files, SearchOption.AllDirectories)
        .Sum(file => Regex.Count(File.ReadAllText(file), pattern, RegexOptions.Multiline));

    [GeneratedRegex(@"/\*\*((?:(?!\*/).)*)\*/\s*(CUDA_ERROR_\w+)\s*=\s*(\d+)", RegexOptions.Singleline)]
    private static partial Regex Error();

    [GeneratedRegex(@"[\s*]+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"^.*\berror:.*$", RegexOptions.Multiline)]
    private static partial Regex ErrorLine();
}

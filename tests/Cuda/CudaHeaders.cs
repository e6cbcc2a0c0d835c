using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace EscNative.Tests.Cuda;

/// <summary>
/// NVIDIA's headers: a folder a version in <c>tests/bin/headers</c>, where tests/emulation/get-headers.sh puts them, or in the folder that
/// <c>ESC_CUDA_HEADERS</c> names. Where there are none the tests skip with the reason; in CI that is a failure.
/// </summary>
internal static partial class CudaHeaders
{
    private const string Variable = "ESC_CUDA_HEADERS";

    // In C++ these have overloads with inline bodies beside the exported one.
    private static readonly string[] Overloaded = ["cublasGemmStridedBatchedEx"];

    // Every assertion takes a number; the last one tells whether as many were made as there are declarations.
    private const string Head = """
        #include <cstddef>
        #include <cstdint>
        #include <type_traits>
        #include <cuda.h>
        #include <nvrtc.h>
        // cuBLAS' headers want two types of these, whose own headers want libcu++, which is another package.
        #define __CUDA_FP16_H__
        #define __CUDA_BF16_H__
        struct __half { unsigned short bits; };
        struct __nv_bfloat16 { unsigned short bits; };
        #include <cublas_v2.h>
        #include <cusolverDn.h>

        // What we pass where the header wants a handle or an address of the device.
        struct handle_t;

        template <class T> using bare = std::remove_cv_t<T>;
        // Bytes: characters on one side, numbers on the other.
        template <class R, class B> constexpr bool both_bytes = sizeof(R) == 1 && sizeof(B) == 1 && std::is_integral_v<R> && std::is_integral_v<B>;

        template <class R, class B> constexpr bool scalar_fits() {
          if constexpr (std::is_same_v<B, handle_t>) return std::is_pointer_v<R> || std::is_same_v<R, CUdeviceptr>;
          else if constexpr (std::is_void_v<R> || std::is_void_v<B>) return std::is_same_v<R, B>;
          else if constexpr (std::is_enum_v<R>) return std::is_integral_v<B> && sizeof(R) == sizeof(B);
          else if constexpr (std::is_arithmetic_v<R> && std::is_arithmetic_v<B>)
            // size_t and CUdeviceptr are as wide as each other and must not be exchanged; one is unsigned long, the other long long.
            return sizeof(R) == sizeof(B) && std::is_floating_point_v<R> == std::is_floating_point_v<B> &&
                   (std::is_signed_v<R> == std::is_signed_v<B> || both_bytes<R, B>) && !(std::is_same_v<R, CUdeviceptr> && std::is_same_v<B, size_t>);
          else return false;
        }
        template <class R, class B> constexpr bool fits() {
          using r = bare<R>;
          using b = bare<B>;
          if constexpr (std::is_pointer_v<b>) {
            if constexpr (!std::is_pointer_v<r>) return false;
            else {
              using rp = bare<std::remove_pointer_t<r>>;
              using bp = bare<std::remove_pointer_t<b>>;
              if constexpr (std::is_void_v<rp>) return true;
              else if constexpr (std::is_void_v<bp>) return true;
              else if constexpr (std::is_pointer_v<bp> || std::is_pointer_v<rp> || std::is_same_v<bp, handle_t>) return fits<rp, bp>();
              else return scalar_fits<rp, bp>();
            }
          } else return scalar_fits<r, b>();
        }
        template <class Real, class Ours> struct same_call : std::false_type {};
        template <class R, class... A, class S, class... B> struct same_call<R (*)(A...), S (*)(B...)> {
          static constexpr bool value = [] {
            if constexpr (sizeof...(A) != sizeof...(B)) return false;
            else return fits<R, S>() && (fits<A, B>() && ...);
          }();
        };

        """;

    private static readonly Lazy<string> Folder = new(() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named ? named : Path.Combine(Repository.Root, "tests", "bin", "headers"));

    /// <summary>The versions that there are, the newest first.</summary>
    public static IEnumerable<string> Versions => !Directory.Exists(Folder.Value) ? [] : Directory.GetDirectories(Folder.Value)
        .Where(folder => File.Exists(Path.Combine(folder, "cuda.h"))).Select(folder => Path.GetFileName(folder)).OrderDescending(StringComparer.Ordinal);

    /// <summary>The folder of a version.</summary>
    public static string OrSkip(string version)
    {
        var reason = version == "none" || !Versions.Contains(version)
            ? $"no headers of CUDA {version} in {Folder.Value}: run tests/emulation/get-headers.sh {Folder.Value}, or set {Variable}"
            : OperatingSystem.IsLinux() ? null : "takes g++ on Linux";
        Assert.False(reason is not null && Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.SkipWhen(reason is not null, reason ?? "");
        return Path.Combine(Folder.Value, version);
    }

    /// <summary>Compiles an assertion for each declaration, with nothing but headers.</summary>
    /// <returns>The compiler's errors; empty where everything is as declared.</returns>
    public static string Compile(string folder, IReadOnlyList<CudaFunctionDeclaration> functions, IReadOnlyList<(string Name, long Value)> constants)
    {
        var text = new StringBuilder(Head);
        text.AppendLine("constexpr int first = __COUNTER__;");
        foreach (var function in functions)
        {
            var real = $"decltype(&::{function.Name})";
            if (Overloaded.Contains(function.Name))
            {
                // The text of the declaration in C, which must be one of the overloads.
                var declaration = Regex.Match(
                    string.Concat(Directory.GetFiles(folder, "*.h").Order(StringComparer.Ordinal).Select(File.ReadAllText)),
                    $@"CUBLASAPI (cublasStatus_t) CUBLASWINAPI ({function.Name}\([^)]*\));");
                Assert.True(declaration.Success, $"{folder} does not declare {function.Name}");
                text.AppendLine(CultureInfo.InvariantCulture, $"namespace declared {{ {declaration.Groups[1].Value} {declaration.Groups[2].Value}; }}");
                real = $"decltype(&declared::{function.Name})";
                text.AppendLine(CultureInfo.InvariantCulture, $"constexpr {real} overload_of_{function.Name} = &::{function.Name};");
            }

            text.AppendLine(CultureInfo.InvariantCulture, $"static_assert(same_call<{real}, {function.Result} (*)({string.Join(", ", function.Parameters)})>::value && __COUNTER__ > 0, \"{function.Name} is not what the header declares\");");
        }

        foreach (var (name, value) in constants)
            text.AppendLine(CultureInfo.InvariantCulture, $"static_assert(static_cast<long long>({name}) == {value} && __COUNTER__ > 0, \"{name} is not {value}\");");
        text.AppendLine(CultureInfo.InvariantCulture, $"static_assert(__COUNTER__ - first - 1 == {functions.Count + constants.Count}, \"not every declaration is counted\");");

        var start = new ProcessStartInfo("g++", ["-std=c++17", "-fsyntax-only", "-fmax-errors=0", "-x", "c++", "-isystem", folder, "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(text.ToString());
        process.StandardInput.Close();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 == (errors.Result.Length == 0), errors.Result);
        return errors.Result;
    }
}

using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using EscNative.Kernels.Cuda.Cublas;
using EscNative.Kernels.Cuda.Cusolver;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Kernels.Cuda.Nvrtc;

namespace EscNative.Tests.Cuda;

/// <summary>What the product and the emulated machine declare of CUDA's libraries.</summary>
internal static partial class CudaDeclarations
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Type[] Apis = [typeof(DriverApi), typeof(CublasApi), typeof(CusolverApi), typeof(NvrtcApi)];

    /// <summary>Every imported function, and every function pointer that is resolved by name.</summary>
    public static IReadOnlyList<CudaFunctionDeclaration> Functions() =>
    [
        .. Apis.SelectMany(api => api.GetMethods(Declared)).Where(method => method.IsPublic && method.IsStatic).Select(method => new CudaFunctionDeclaration(
            method.GetCustomAttribute<LibraryImportAttribute>()?.EntryPoint ?? method.GetCustomAttribute<DllImportAttribute>()?.EntryPoint ?? method.Name,
            InC(method.ReturnType), [.. method.GetParameters().Select(parameter => InC(parameter.ParameterType))])),
        .. typeof(NvrtcApi).GetFields(Declared).Where(field => field.FieldType.IsFunctionPointer).Select(field => new CudaFunctionDeclaration(
            field.Name, InC(field.FieldType.GetFunctionPointerReturnType()), [.. field.FieldType.GetFunctionPointerParameterTypes().Select(InC)])),
    ];

    /// <summary>Every public constant, which carries the name of the header's.</summary>
    public static IReadOnlyList<(string Name, long Value)> Constants() =>
    [
        .. Apis.SelectMany(api => api.GetFields(Declared)).Where(field => field.IsLiteral && field.IsPublic)
            .Select(field => (field.Name, Convert.ToInt64(field.GetRawConstantValue(), null))),
    ];

    /// <summary>The functions that the emulated libraries export, from their sources.</summary>
    public static IReadOnlyList<CudaFunctionDeclaration> EmulatedFunctions() =>
    [
        .. Directory.GetFiles(Path.Combine(EmulatedMachine.Sources, "api"), "*.cpp")
            .SelectMany(file => Export().Matches(File.ReadAllText(file)))
            .Where(match => !match.Groups["name"].Value.StartsWith("escEmulator", StringComparison.Ordinal))
            .Select(match => new CudaFunctionDeclaration(
                match.Groups["name"].Value, Emulated(match.Groups["result"].Value),
                [.. match.Groups["parameters"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Emulated)])),
    ];

    /// <summary>The numbers of errors that the emulated driver returns.</summary>
    public static IReadOnlyList<(string Name, long Value)> EmulatedResults() =>
    [
        .. Result().Matches(File.ReadAllText(Path.Combine(EmulatedMachine.Sources, "api", "results.h")))
            .Select(match => (match.Groups[1].Value, long.Parse(match.Groups[2].Value, null))),
    ];

    private static string InC(Type type) => type.IsPointer ? InC(type.GetElementType()!) + "*" : type switch
    {
        _ when type == typeof(void) => "void",
        _ when type == typeof(int) => "int32_t",
        _ when type == typeof(uint) => "uint32_t",
        _ when type == typeof(long) => "long long",
        _ when type == typeof(ulong) => "unsigned long long",
        _ when type == typeof(nint) => "handle_t",
        _ when type == typeof(nuint) => "size_t",
        _ when type == typeof(byte) => "uint8_t",
        _ when type == typeof(sbyte) => "int8_t",
        _ when type == typeof(float) => "float",
        _ when type == typeof(double) => "double",
        _ => throw new NotSupportedException($"a declaration with {type}: say what it is in C"),
    };

    // The type of a parameter, without its name.
    private static string Emulated(string parameter)
    {
        var type = Name().Replace(parameter.Trim(), "${type}").Trim();
        return type switch { "CUresult" or "CUdevice" => "int32_t", "CUdeviceptr" => "handle_t", "CUdeviceptr*" or "CUdeviceptr *" => "handle_t*", _ => type };
    }

    [GeneratedRegex(@"^EXPORT (?<result>[\w ]+[ *]+)(?<name>\w+)\((?<parameters>[^)]*)\)\s*\{", RegexOptions.Multiline)]
    private static partial Regex Export();

    // "const void* const* name", "unsigned flags", "int": what comes before a name that is no word of C's types.
    [GeneratedRegex(@"^(?<type>.*?(?:\*|\b(?:int|unsigned|long|char|float|double|void|size_t|CUresult|CUdevice|CUdeviceptr|uint64_t)\b))\s*(?!(?:int|unsigned|long|char|float|double|const)\b)\w*$")]
    private static partial Regex Name();

    [GeneratedRegex(@"R\((CUDA_\w+), (\d+),")]
    private static partial Regex Result();
}

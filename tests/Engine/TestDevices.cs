using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>The device on which the engine's tests run: the CPU, or what ESC_TEST_DEVICE names (cuda: a GPU if there is one, else the
/// emulated one). By name in a test's rows, since they must be printable.</summary>
public static class TestDevices
{
    public static Device Current { get; } = Choose(Environment.GetEnvironmentVariable("ESC_TEST_DEVICE") ?? "cpu");

    public static string[] Names => [Current.Name];

    public static Device Get(string name) => Device.Parse(name);

    private static Device Choose(string name)
    {
        if (name != "cpu")
            Cuda.CudaMachine.Prepare();
        return Device.Default = Device.Parse(name);
    }

    /// <summary>A tensor of the wanted type; integers are given as doubles too.</summary>
    public static Tensor ToTensor(this NdArray values, DType type, Device device) => type switch
    {
        DType.F32 => Tensor.From(Array.ConvertAll(values.Values, v => (float)v), new Shape(values.Shape), device),
        DType.F64 => Tensor.From(values.Values, new Shape(values.Shape), device),
        DType.I32 => Tensor.From(Array.ConvertAll(values.Values, v => (int)v), new Shape(values.Shape), device),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static NdArray ToNdArray(this Tensor tensor) => new(tensor.Shape.ToArray(), tensor.DType switch
    {
        DType.F32 => Array.ConvertAll(tensor.ToArray<float>(), v => (double)v),
        DType.F64 => tensor.ToArray<double>(),
        DType.I32 => Array.ConvertAll(tensor.ToArray<int>(), v => (double)v),
        DType.U8 => Array.ConvertAll(tensor.ToArray<byte>(), v => (double)v),
        _ => throw new ArgumentOutOfRangeException(nameof(tensor)),
    });
}

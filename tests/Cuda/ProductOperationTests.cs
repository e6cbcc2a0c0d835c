using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>Products and convolutions of tensors on a CUDA device in bfloat16, which the CPU does not compute, and in the others beside it.</summary>
public sealed class ProductOperationTests
{
    private static readonly int Seed = DeviceValues.FreshSeed;

    public static TheoryData<DType> Types => [DType.F32, DType.BF16, DType.F64];

    [Theory]
    [MemberData(nameof(Types))]
    public void Products_of_tensors_equal_those_in_float64_on_the_CPU(DType type)
    {
        CudaMachine.Prepare();
        Assert.SkipWhen(!CudaRuntime.IsAvailable, "no CUDA");
        using var scope = Tensor.Scope();
        foreach (var (a, b) in ((Shape, Shape)[])[((7, 33), (33, 20)), ((3, 5, 9), (3, 9, 4)), ((3, 5, 9), (9, 4)), ((2, 3, 4, 6), (2, 3, 6, 3))])
        {
            var (left, right) = (Pair.Random(a, type, 1), Pair.Random(b, type, 2));
            var terms = a[^1];
            Check(left.OnCpu.MatMul(right.OnCpu), left.OnDevice.MatMul(right.OnDevice), type, terms, $"{a} times {b}");
            // A transposed view on either side.
            Check(
                right.OnCpu.Transpose().MatMul(left.OnCpu.Transpose()), right.OnDevice.Transpose().MatMul(left.OnDevice.Transpose()), type, terms,
                $"{b}, transposed, times {a}, transposed");
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Convolutions_of_tensors_and_their_gradients_equal_those_in_float64_on_the_CPU(DType type)
    {
        CudaMachine.Prepare();
        Assert.SkipWhen(!CudaRuntime.IsAvailable, "no CUDA");
        using var scope = Tensor.Scope();
        var x = Pair.Random((3, 9, 8, 12), type, 3);
        var weight = Pair.Random((20, 3, 3, 12), type, 4);
        var bias = Pair.Random(20, type, 5);
        x.RequireGradient();
        weight.RequireGradient();
        foreach (var stride in (int[])[1, 2])
        {
            var dy = Pair.Random((3, (9 + stride - 1) / stride, 8 / stride, 20), type, 6);
            var expected = Run(x.OnCpu, weight.OnCpu, bias.OnCpu, dy.OnCpu);
            var got = Run(x.OnDevice, weight.OnDevice, bias.OnDevice, dy.OnDevice);
            long[] terms = [109, 9 * 20, 3 * dy.OnCpu.Shape[1] * dy.OnCpu.Shape[2]];
            for (var i = 0; i < terms.Length; i++)
                Check(expected[i], got[i], type, terms[i], $"stride {stride}, result {i}");

            Tensor[] Run(Tensor x, Tensor weight, Tensor bias, Tensor dy)
            {
                var y = x.Conv2d(weight, bias, stride, padding: 1);
                using var gradients = (y * dy).Sum().Backward();
                return [y.Detach(), gradients[x].Clone(), gradients[weight].Clone()];
            }
        }
    }

    private static void Check(Tensor expected, Tensor got, DType type, long terms, string what)
    {
        Assert.Equal(expected.Shape, got.Shape);
        Assert.Equal(type, got.DType);
        // Terms are below 1; 12 for the worst of many values.
        type.AssertClose(
            expected.ToArray<double>(), got.To(DType.F64).ToArray<double>(), 12, terms, $"{what}, seed {Seed}", Math.Max(1, Math.Sqrt(terms) / 3));
    }

    // The same numbers here in float64 and there as stored.
    private readonly record struct Pair(Tensor OnCpu, Tensor OnDevice)
    {
        public void RequireGradient()
        {
            OnCpu.RequireGradient();
            OnDevice.RequireGradient();
        }

        public static Pair Random(Shape shape, DType type, int stream)
        {
            var values = DeviceValues.Random(new Random(Seed + stream), shape.Count);
            var stored = Tensor.From(values, shape, Device.Cuda()).To(type);
            return new Pair(Tensor.From(stored.To(DType.F64).ToArray<double>(), shape, Device.Cpu), stored);
        }
    }
}

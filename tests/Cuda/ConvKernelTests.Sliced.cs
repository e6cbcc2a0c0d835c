using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Convolutions with groups and dilations.</summary>
public sealed partial class ConvKernelTests
{
    private static readonly WindowShape[] Sliced =
    [
        // As above, then dilation (rows, columns) and groups.
        new(2, 9, 8, 3, 5, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2),
        new(1, 12, 13, 4, 6, 3, 3, 2, 3, 2, 3, 1, 2, 2, 3, 2),
        new(1, 7, 9, 6, 9, 2, 3, 3, 4, 5, 1, 0, 4, 3, 2, 3),
        new(2, 8, 7, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 8),
        new(2, 9, 10, 7, 7, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 7),
        new(2, 6, 5, 5, 15, 3, 2, 1, 2, 1, 0, 1, 1, 2, 1, 5),
        new(1, 3, 3, 2, 2, 3, 3, 1, 1, 0, 0, 0, 0, 2, 2, 2),
        new(0, 5, 5, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 2, 1, 2),
        new(3, 16, 15, 2, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Groups_and_dilations_equal_their_definition(string name, int offset)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new ConvSlicedKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var s in Sliced)
            {
                var layer = new Layer(machine, type, s, offset, seed: Seed);
                var workspace = machine.Allocate<byte>(ConvSlicedKernels.WeightWorkspaceBytes(type, s));
                layer.Check("y", layer.Y, s.Taps, y => kernels.Forward(type, s, layer.Px, layer.Pw, layer.Pb, 0, relu: false, y));
                layer.Check(
                    "dx", layer.Dx, s.KernelHeight * s.KernelWidth * s.GroupOutChannels, dx => kernels.Data(type, s, layer.Pdy, layer.Pw, dx));
                layer.Check("dw", layer.Dw, s.OutPixels, dw => kernels.Weight(type, s, layer.Px, layer.Pdy, dw, workspace));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_end_of_a_grouped_convolution_is_that_of_every_other(string name)
    {
        var s = Sliced[1];
        using var machine = CudaMachine.Use(name);
        var kernels = new ConvSlicedKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            var layer = new Layer(machine, type, s, offset: 0, seed: Seed);
            var residual = type.Round(DeviceValues.Random(new Random(Seed), layer.Y.Length));
            residual[5] = double.NaN;
            foreach (var gelu in (bool[])[false, true])
            {
                var y = machine.Upload(type, residual);
                kernels.Forward(type, s, layer.Px, layer.Pw, layer.Pb, y, relu: !gelu, y, gelu ? UnaryOp.Gelu : null);
                double[] wanted =
                [
                    .. layer.Y.Zip(residual, (v, r) => v + r).Select(
                        v => double.IsNaN(v) ? v : gelu ? 0.5 * v * (1 + ErrorFunction.Erf(v / Math.Sqrt(2))) : Math.Max(v, 0)),
                ];
                type.AssertClose(wanted, machine.Download(type, y, wanted.Length), C, s.Taps + 2, $"gelu {gelu}, seed {Seed}", Layer.Scale(s.Taps));
            }
        }
    }
}

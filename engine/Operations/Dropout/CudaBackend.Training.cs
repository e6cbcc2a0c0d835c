using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private RandomKernels? _random;
    private OptimizerKernels? _optimizers;

    private ImageKernels? _images;

    public ImageKernels Images => Once(ref _images, static b => new ImageKernels(b.Context));

    private RandomKernels Random => Once(ref _random, static b => new RandomKernels(b.Context));

    private OptimizerKernels Optimizers => Once(ref _optimizers, static b => new OptimizerKernels(b.Context));

    public override void Uniform(Tensor y, ulong seed, ulong stream, ulong offset)
    {
        using var call = KernelCall.Begin();
        Random.Uniform(FloatType(y, "Uniform"), y.Pointer, y.Count, seed, stream, offset);
    }

    public override void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset)
    {
        using var call = KernelCall.Begin();
        Random.Dropout(FloatType(x, "Dropout"), x.Pointer, y.Pointer, mask.Pointer, p, x.Count, seed, stream, offset);
    }

    public override void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx)
    {
        using var call = KernelCall.Begin();
        Random.ApplyMask(FloatType(dx, "ApplyMask"), dy.Pointer, mask.Pointer, scale, dx.Pointer, dx.Count);
    }

    public override void Sgd(ReadOnlySpan<ParameterUpdate> updates, double rate, double momentum, double decay, bool nesterov)
    {
        using var call = KernelCall.Begin();
        foreach (var wide in (ReadOnlySpan<bool>)[false, true])
        {
            for (var at = 0; at < updates.Length;)
            {
                var table = Take(updates, ref at, wide, "Sgd");
                Optimizers.Sgd(wide, table, rate, momentum, decay, nesterov);
            }
        }
    }

    public override void Adam(
        ReadOnlySpan<ParameterUpdate> updates, double rate, double beta1, double beta2, double eps, double decay, bool decoupled, long t)
    {
        using var call = KernelCall.Begin();
        foreach (var wide in (ReadOnlySpan<bool>)[false, true])
        {
            for (var at = 0; at < updates.Length;)
            {
                var table = Take(updates, ref at, wide, "Adam");
                Optimizers.Adam(wide, table, rate, beta1, beta2, eps, decay, decoupled, t);
            }
        }
    }

    // The next parameters of one type, as many as a launch takes.
    private static OptimizerTable Take(ReadOnlySpan<ParameterUpdate> updates, ref int at, bool wide, string operation)
    {
        var table = default(OptimizerTable);
        for (; at < updates.Length && !table.IsFull; at++)
        {
            var (weight, gradient, first, second) = updates[at];
            if (WideType(weight, operation) == DType.F64 == wide)
                table.Add(weight.Pointer, gradient.Pointer, Optional(first), Optional(second), weight.Count);
        }

        return table;
    }
}

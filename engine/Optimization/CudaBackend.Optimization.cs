using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private OptimizerKernels? _optimizers;

    private OptimizerKernels Optimizers => Once(ref _optimizers, static b => new OptimizerKernels(b.Context));

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

using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void Sgd(ReadOnlySpan<ParameterUpdate> updates, double rate, double momentum, double decay, bool nesterov)
    {
        using var call = KernelCall.Begin();
        var (floats, doubles) = Split(updates, "Sgd");
        Optimizers.Sgd<float>(floats, rate, momentum, decay, nesterov);
        Optimizers.Sgd<double>(doubles, rate, momentum, decay, nesterov);
    }

    public override void Adam(
        ReadOnlySpan<ParameterUpdate> updates, double rate, double beta1, double beta2, double eps, double decay, bool decoupled, long t)
    {
        using var call = KernelCall.Begin();
        var (floats, doubles) = Split(updates, "Adam");
        Optimizers.Adam<float>(floats, rate, beta1, beta2, eps, decay, decoupled, t);
        Optimizers.Adam<double>(doubles, rate, beta1, beta2, eps, decay, decoupled, t);
    }

    private static (OptimizerTensor<float>[] Floats, OptimizerTensor<double>[] Doubles) Split(
        ReadOnlySpan<ParameterUpdate> updates, string operation)
    {
        var doubles = 0;
        foreach (var update in updates)
            doubles += IsDouble(update.Weight, operation) ? 1 : 0;
        return (Table<float>(updates, DType.F32, updates.Length - doubles), Table<double>(updates, DType.F64, doubles));
    }

    private static OptimizerTensor<T>[] Table<T>(ReadOnlySpan<ParameterUpdate> updates, DType type, int count)
        where T : unmanaged
    {
        if (count == 0)
            return [];
        var table = new OptimizerTensor<T>[count];
        var at = 0;
        foreach (var (weight, gradient, first, second) in updates)
        {
            if (weight.DType == type)
                table[at++] = new(weight.PointerTo<T>(), gradient.PointerTo<T>(), Optional<T>(first), Optional<T>(second), weight.Count);
        }

        return table;
    }
}

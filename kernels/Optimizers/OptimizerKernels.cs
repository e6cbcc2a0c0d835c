using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Optimizer steps of many tensors in one launch on a GPU, in float32 or float64; PyTorch's formulas.</summary>
public sealed unsafe class OptimizerKernels : KernelFamily
{
    private const uint Block = 256;

    private readonly CudaFunction _sgd32;
    private readonly CudaFunction _sgd64;
    private readonly CudaFunction _adam32;
    private readonly CudaFunction _adam64;

    /// <summary>Loads the kernels.</summary>
    public OptimizerKernels(CudaContext context)
        : base(context, "optimizer")
    {
        (_sgd32, _sgd64) = (Function("sgd_f32"), Function("sgd_f64"));
        (_adam32, _adam64) = (Function("adam_f32"), Function("adam_f64"));
    }

    /// <summary>g' = g + decay w; v = momentum v + g'; w -= rate (nesterov ? g' + momentum v : v).</summary>
    /// <param name="wide">float64 rather than float32.</param>
    /// <param name="table">With v as first state, or none.</param>
    public void Sgd(bool wide, in OptimizerTable table, double rate, double momentum, double decay, bool nesterov)
    {
        if (table.Blocks == 0)
            return;
        var flag = nesterov ? 1 : 0;
        var (rate32, momentum32, decay32) = ((float)rate, (float)momentum, (float)decay);
        fixed (OptimizerTable* t = &table)
        {
            void** arguments = stackalloc void*[]
            {
                t, wide ? &rate : &rate32, wide ? &momentum : &momentum32, wide ? &decay : &decay32, &flag,
            };
            Stream.Launch(wide ? _sgd64 : _sgd32, new LaunchShape(table.Blocks, 1, 1, Block), arguments);
        }
    }

    /// <summary>Adam, or AdamW where <paramref name="decoupled"/>, at step t from 1.</summary>
    /// <param name="wide">float64 rather than float32.</param>
    /// <param name="table">With the two moments as states.</param>
    public void Adam(
        bool wide, in OptimizerTable table, double rate, double beta1, double beta2, double eps, double decay, bool decoupled, long t)
    {
        if (table.Blocks == 0)
            return;
        var rates = stackalloc double[8]
        {
            decoupled ? 1 - (rate * decay) : 1, decoupled ? 0 : decay, 1 - beta1, beta2, 1 - beta2, eps,
            rate / (1 - Math.Pow(beta1, t)), Math.Sqrt(1 - Math.Pow(beta2, t)),
        };
        var rates32 = stackalloc float[8];
        for (var i = 0; i < 8; i++)
            rates32[i] = (float)rates[i];
        fixed (OptimizerTable* first = &table)
        {
            void** arguments = stackalloc void*[] { first, wide ? rates : rates32 };
            Stream.Launch(wide ? _adam64 : _adam32, new LaunchShape(table.Blocks, 1, 1, Block), arguments);
        }
    }
}

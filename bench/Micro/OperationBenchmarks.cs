using BenchmarkDotNet.Attributes;
using EscNative.Engine;

namespace EscNative.Bench.Micro;

/// <summary>What an operation costs beside its arithmetic: on tensors of 8 values the arithmetic is next to nothing.</summary>
public class OperationBenchmarks
{
    private const int Width = 8;

    // In one scope, as a forward pass has it: the share of the scope is small, the release of the results is counted.
    private const int Operations = 100;

    private Tensor _x = null!;
    private Tensor _y = null!;
    private Tensor _weight = null!;
    private Tensor _bias = null!;

    /// <summary>Whether the operations are recorded for a backward pass.</summary>
    [Params(false, true)]
    public bool Recording { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        (_x, _y, _weight, _bias) = (Make((1, Width)), Make((1, Width)), Make((Width, Width)), Make(Width));

        Tensor Make(Shape shape)
        {
            var tensor = Tensor.Full(shape, 0.5);
            if (Recording)
                tensor.RequireGradient();
            return tensor;
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var tensor in new[] { _x, _y, _weight, _bias })
            tensor.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public void Add()
    {
        using var scope = Tensor.Scope();
        for (var i = 0; i < Operations; i++)
            _ = _x + _y;
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public void Relu()
    {
        using var scope = Tensor.Scope();
        for (var i = 0; i < Operations; i++)
            _ = _x.Relu();
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public void MatMul()
    {
        using var scope = Tensor.Scope();
        for (var i = 0; i < Operations; i++)
            _ = _x.MatMul(_weight);
    }

    [Benchmark(OperationsPerInvoke = Operations)]
    public void Linear()
    {
        using var scope = Tensor.Scope();
        for (var i = 0; i < Operations; i++)
            _ = _x.Linear(_weight, _bias);
    }
}

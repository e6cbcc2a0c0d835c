using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Micro;

/// <summary>All-CNN's convolutions with bias and ReLU, computed directly.</summary>
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls Cleanup, not Dispose.")]
public unsafe class ConvolutionBenchmarks
{
    private LayerImages _images = null!;
    private PackedConvWeight _weight = null!;

    [ParamsSource(nameof(Layers))]
    public Layer Layer { get; set; }

    [Params(1, 64)]
    public int Batch { get; set; }

    public static IEnumerable<Layer> Layers => Layer.All;

    [GlobalSetup]
    public void Setup()
    {
        _images = new LayerImages(Layer, Batch);
        _weight = new PackedConvWeight(Layer.Out, Layer.Kernel, Layer.Kernel, Layer.In, _images.Weight);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _weight.Dispose();
        _images.Dispose();
    }

    [Benchmark]
    public void Direct() => Conv.Forward(_images.Shape, _images.X, _weight, _images.Epilogue, _images.Y);
}

using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using EscNative.Kernels.Cpu;

namespace EscNative.Bench.Micro;

/// <summary>The same convolutions by Winograd's algorithm, where it exists.</summary>
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls Cleanup, not Dispose.")]
public unsafe class WinogradBenchmarks
{
    private LayerImages _images = null!;
    private WinogradWeight _two = null!;
    private WinogradWeight _four = null!;

    [ParamsSource(nameof(Layers))]
    public Layer Layer { get; set; }

    [Params(1, 64)]
    public int Batch { get; set; }

    public static IEnumerable<Layer> Layers => Layer.Winograd;

    [GlobalSetup]
    public void Setup()
    {
        _images = new LayerImages(Layer, Batch);
        _two = new WinogradWeight(Layer.Out, Layer.In, _images.Weight, WinogradTile.F2x2);
        _four = new WinogradWeight(Layer.Out, Layer.In, _images.Weight, WinogradTile.F4x4);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _two.Dispose();
        _four.Dispose();
        _images.Dispose();
    }

    [Benchmark]
    public void F2x2() => Winograd.Forward(_images.Shape, _images.X, _two, _images.Epilogue, _images.Y);

    [Benchmark]
    public void F4x4() => Winograd.Forward(_images.Shape, _images.X, _four, _images.Epilogue, _images.Y);
}

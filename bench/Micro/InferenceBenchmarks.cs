using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Micro;

/// <summary>All-CNN of width 0.5 from images in memory to class scores. The plan allocates no managed memory.</summary>
[SuppressMessage("Design", "CA1001", Justification = "BenchmarkDotNet calls Cleanup, not Dispose.")]
public class InferenceBenchmarks
{
    private const double Width = 0.5;
    private const int Classes = 10, Channels = 3;

    private Classifier _model = null!;
    private CompiledExtractor _plan = null!;
    private Tensor _tensor = null!;
    private float[] _images = null!;
    private float[] _features = null!;
    private float[] _logits = null!;

    [Params(1, 64)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _model = Architectures.Create(new ModelDescription
        {
            Hyperparameters = new AllCnnHyperparameters(Width),
            Channels = Channels,
            ClassNames = [.. Enumerable.Range(0, Classes).Select(c => $"class {c}")],
            Normalisation = Normalisation.Half,
        });
        _model.Training = false;
        _plan = CompiledExtractor.Compile(_model, AllCnn.ImageSize, AllCnn.ImageSize);
        _images = new float[Batch * AllCnn.ImageSize * AllCnn.ImageSize * Channels];
        new RandomSource(1).FillUniform(_images);
        _tensor = Tensor.From(_images, (Batch, AllCnn.ImageSize, AllCnn.ImageSize, Channels));
        (_features, _logits) = (new float[Batch * _model.FeatureWidth], new float[Batch * Classes]);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _tensor.Dispose();
        _plan.Dispose();
        _model.Dispose();
    }

    [Benchmark]
    public void Plan() => _plan.Run(_images, _features, _logits);

    [Benchmark]
    public void Eager()
    {
        using var noGrad = Tensor.NoGrad();
        using var scope = Tensor.Scope();
        _model.Forward(_tensor).CopyTo(_logits.AsSpan());
    }
}

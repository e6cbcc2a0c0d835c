using BenchmarkDotNet.Attributes;
using EscNative.Bench.Measuring;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Micro;

/// <summary>The directions of 5,000 features: the Gram matrix in float64, and what is found in it.</summary>
public class SolveBenchmarks
{
    private const int Count = 5000;
    private const double Percent = 1.5;

    private float[] _features = null!;
    private SubspaceProblem _problem = null!;
    private int _k;

    /// <summary>Widths of All-CNN, ResNet-18 and ViT-B.</summary>
    [Params(96, 512, 768)]
    public int Width { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _features = FeatureMatrix.Make(Count, Width);
        _problem = new SubspaceProblem(Gram());
        _k = DirectionCount.FromPercent(Width, Percent);
    }

    [Benchmark]
    public object Gram64() => Gram();

    [Benchmark]
    public object AllEigenpairs() => new GramEigenSolver().Solve(_problem, _k);

    [Benchmark]
    public object LeadingEigenpairs() => new SubspaceIterationSolver().Solve(_problem, _k);

    private SubspaceAccumulator Gram()
    {
        var accumulator = new SubspaceAccumulator(Width);
        accumulator.Add(_features, Count);
        return accumulator;
    }
}

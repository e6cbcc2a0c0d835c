using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models;

namespace EscNative.Unlearning.Subspaces;

/// <summary>Features of passes, gathered where the model computes: their Gram matrix as they come, or the rows themselves.</summary>
/// <remarks>On a GPU nothing of it is in host memory. There the Gram matrix is gathered beside kept rows too: it is what tells a feature that
/// is not finite.</remarks>
internal sealed class FeatureStore : IFeatureConsumer, IDisposable
{
    private readonly int _dimension;
    private readonly float[]? _rows;
    private readonly SubspaceAccumulator? _gram;
    private int _count;

    /// <summary>An empty one.</summary>
    /// <param name="gpu">Where the model computes; null for the CPU.</param>
    /// <param name="dimension">d, the length of a feature.</param>
    /// <param name="keptRows">0 to gather the Gram matrix alone; else room for so many rows, all of which are kept.</param>
    /// <exception cref="DeviceOutOfMemoryException">Not enough device memory.</exception>
    public FeatureStore(CudaContext? gpu, int dimension, int keptRows)
    {
        _dimension = dimension;
        if (gpu is not null)
            Device = new CudaFeatures(gpu, dimension, keptRows);
        else if (keptRows > 0)
            _rows = new float[(long)keptRows * dimension];
        else
            _gram = new SubspaceAccumulator(dimension);
    }

    /// <summary>Rows that are at hand already.</summary>
    /// <param name="rows">[n, d] row-major; kept, not copied.</param>
    /// <param name="dimension">d.</param>
    public FeatureStore(float[] rows, int dimension) => (_rows, _dimension, _count) = (rows, dimension, rows.Length / dimension);

    /// <summary>The features, where they are on a GPU.</summary>
    public CudaFeatures? Device { get; }

    /// <summary>The rows, [n, d], where they are kept on the CPU.</summary>
    public ReadOnlyMemory<float> Rows => _rows is null ? default : _rows.AsMemory(0, _count * _dimension);

    public string? Stage => _rows is null ? "gram" : null;

    public bool TakesTensors => Device is not null;

    public Span<float> FeatureSpan(int count) => _rows is null ? default : _rows.AsSpan(_count * _dimension, count * _dimension);

    public void Add(in FeatureBatch batch)
    {
        _count += batch.Count;
        _gram?.Add(batch.Features, batch.Count);
        if (Device is null)
            return;
        using var call = KernelCall.Begin();
        Device.Add(CudaInterop.AddressOf(batch.FeatureTensor!), batch.Count);
    }

    /// <summary>The features as a solver takes them; nothing can be added after this.</summary>
    /// <exception cref="EscException">A feature that is not finite (bad input).</exception>
    public SubspaceProblem ToProblem() =>
        Device is not null ? new SubspaceProblem(Device)
        : _gram is not null ? new SubspaceProblem(_gram)
        : new SubspaceProblem(Rows, _count, _dimension);

    /// <summary>Some of the kept rows, picked by index, where these are.</summary>
    /// <param name="rows">Their numbers, in any order.</param>
    public FeatureStore Gather(ReadOnlySpan<int> rows)
    {
        if (Device is not null)
            return new FeatureStore(Device.Gather(rows), rows.Length);
        var picked = new float[(long)rows.Length * _dimension];
        for (var i = 0; i < rows.Length; i++)
            Array.Copy(_rows!, (long)rows[i] * _dimension, picked, (long)i * _dimension, _dimension);
        return new FeatureStore(picked, _dimension);
    }

    /// <summary>Gives device memory back.</summary>
    public void Dispose() => Device?.Dispose();

    private FeatureStore(CudaFeatures device, int count) => (Device, _dimension, _count) = (device, device.Dimension, count);
}

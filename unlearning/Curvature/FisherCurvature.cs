using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Kernels.Cpu;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Curvature;

/// <summary>
/// The diagonal of the Fisher information, F_j = mean over batches of sum_c p_c (d(-log p_c) / d theta_j)², in evaluation mode
/// (Golatkar et al., "Eternal Sunshine"): with batches of one image exactly, with larger ones of the batch's mean p_c and mean gradient.
/// </summary>
/// <remarks>
/// One forward pass and a backward pass for each class, of the same graph. On a CPU every thread takes chunks of <see cref="ChunkBatches"/>
/// batches through a copy of the model; the chunks' sums are added in their order, so the bits do not depend on the number of threads.
/// </remarks>
internal sealed class FisherCurvature : IDisposable
{
    /// <summary>Batches whose sum is formed by one thread: sets the order of summation.</summary>
    public const int ChunkBatches = 8;

    // Copies of the model and sums of the chunks take 24 bytes a parameter and thread, and the graphs more.
    private const long MostBytes = 4L << 30;

    private readonly BatchLoader _loader;
    private readonly double _smallestProbability;
    private readonly Classifier[] _copies;
    private readonly SquaredGradients[] _sums;
    private long _start;
    private CancellationToken _cancel;

    /// <param name="model">Copied: later changes do not reach this.</param>
    /// <param name="images">The images.</param>
    /// <param name="batch">Images of a batch: 1 for the exact diagonal.</param>
    /// <param name="smallestProbability">Classes with a smaller p_c are left out.</param>
    public FisherCurvature(Classifier model, ImageSet images, int batch, double smallestProbability)
    {
        _loader = new BatchLoader(images, model.Description.Normalisation, new BatchOptions { BatchSize = batch, Device = model.Device });
        _smallestProbability = smallestProbability;
        // Kernels on a GPU run one after another anyway.
        var workers = CudaInterop.ContextOf(model.Device) is null
            ? (int)Math.Clamp(MostBytes / (24 * model.ParameterCount), 1, CpuParallel.ThreadsHere)
            : 1;
        Total = new SquaredGradients(model);
        _copies = new Classifier[workers];
        _sums = new SquaredGradients[workers];
        try
        {
            for (var i = 0; i < workers; i++)
            {
                _copies[i] = model.Copy();
                _copies[i].Training = false;
                _sums[i] = new SquaredGradients(model);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Batches in all.</summary>
    public int Batches => _loader.Batches;

    /// <summary>Batches done; set it together with <see cref="Total"/> to go on from saved sums, at the border of a chunk.</summary>
    public int Done { get; set; }

    /// <summary>The sum over the batches done.</summary>
    public SquaredGradients Total { get; }

    /// <summary>The mean over the batches done, for one parameter.</summary>
    public double[] Diagonal(int parameter) => Array.ConvertAll(Total.Sums[parameter], sum => sum / Done);

    /// <summary>Goes through the next batches, a chunk for each worker.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled; the sums are those before the call.</exception>
    public bool Next(CancellationToken cancel)
    {
        if (Done >= Batches)
            return false;
        var chunks = Math.Min(_copies.Length, (Batches - Done + ChunkBatches - 1) / ChunkBatches);
        (_start, _cancel) = (Done, cancel);
        var self = GCHandle.Alloc(this);
        try
        {
            CpuParallel.Run(chunks, new ChunkJob { Owner = self });
        }
        finally
        {
            self.Free();
        }

        for (var i = 0; i < chunks; i++)
            Total.Add(_sums[i]);
        Done = Math.Min(Batches, Done + (chunks * ChunkBatches));
        return true;
    }

    public void Dispose()
    {
        foreach (var copy in _copies)
            copy?.Dispose();
    }

    private void Chunk(int chunk)
    {
        var (model, sums) = (_copies[chunk], _sums[chunk]);
        sums.Clear();
        var first = (int)_start + (chunk * ChunkBatches);
        foreach (var batch in _loader.Epoch(firstBatch: first).Take(Math.Min(ChunkBatches, Batches - first)))
        {
            _cancel.ThrowIfCancellationRequested();
            Add(model, batch, sums);
        }
    }

    private void Add(Classifier model, Batch batch, SquaredGradients sums)
    {
        using var scope = Tensor.Scope();
        var logits = model.Forward(batch.Images);
        var (n, classes) = (batch.Count, model.Classes);
        var probabilities = Softmax(logits.ToArray(), classes);
        var seed = new float[n * classes];
        for (var c = 0; c < classes; c++)
        {
            var mean = 0.0;
            for (var i = 0; i < n; i++)
                mean += probabilities[(i * classes) + c] / n;
            if (mean == 0 || mean < _smallestProbability)
                continue;
            // The gradient of the mean of -log p_c with respect to the scores: (p - onehot(c)) / n.
            for (var i = 0; i < seed.Length; i++)
                seed[i] = (float)((probabilities[i] - (i % classes == c ? 1 : 0)) / n);
            using var dy = Tensor.From(seed, (n, classes), model.Device);
            using var gradients = logits.Backward(dy, retainGraph: true);
            sums.Add(model, gradients, mean);
        }
    }

    private static double[] Softmax(float[] scores, int classes)
    {
        var result = new double[scores.Length];
        for (var at = 0; at < scores.Length; at += classes)
        {
            var row = result.AsSpan(at, classes);
            double largest = double.NegativeInfinity, sum = 0;
            for (var c = 0; c < classes; c++)
                largest = Math.Max(largest, scores[at + c]);
            for (var c = 0; c < classes; c++)
                sum += row[c] = Math.Exp(scores[at + c] - largest);
            for (var c = 0; c < classes; c++)
                row[c] /= sum;
        }

        return result;
    }

    private struct ChunkJob : ITileJob
    {
        public GCHandle Owner;

        public readonly void Execute(int tile, int worker) => ((FisherCurvature)Owner.Target!).Chunk(tile);
    }
}

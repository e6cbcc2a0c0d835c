using System.Diagnostics;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models;

namespace EscNative.Unlearning.Masks;

/// <summary>
/// The loop of ESC-T (CVPR 2025, equations 4 to 6): epochs of mask steps until no row is predicted right any more, or a limit is
/// reached.
/// </summary>
/// <param name="basis">U: [d, r] row-major; square where the first step is transposed.</param>
/// <param name="weight">W of the head: [classes, d].</param>
/// <param name="bias">b of the head: [classes].</param>
/// <param name="dimension">d.</param>
/// <param name="gpu">Where to train; null for the CPU.</param>
/// <param name="settings">How.</param>
/// <param name="recorder">Records the time of the stage <c>mask</c>, or null.</param>
internal sealed class MaskTraining(
    double[] basis, float[] weight, float[] bias, int dimension, CudaContext? gpu, MaskSettings settings, StageRecorder? recorder = null) : IDisposable
{
    private IMaskTrainer? _trainer;
    private MaskRows? _rows;

    /// <summary>Trains on from a state.</summary>
    /// <param name="state">Where to start.</param>
    /// <param name="source">The features.</param>
    /// <param name="epochDone">Called after each epoch, or null.</param>
    /// <param name="cancel">Looked at before each epoch: on a GPU an epoch is one launch.</param>
    public MaskState Run(MaskState state, IMaskRows source, Action<MaskState>? epochDone = null, CancellationToken cancel = default)
    {
        var started = Stopwatch.GetTimestamp();
        while (state.Hits != 0 && state.Epochs < settings.Epochs)
        {
            cancel.ThrowIfCancellationRequested();
            if (settings.Seconds > 0 && Stopwatch.GetElapsedTime(started).TotalSeconds >= settings.Seconds)
                break;
            state = Epoch(state, source);
            epochDone?.Invoke(state);
        }

        return state;
    }

    /// <summary>How many rows are predicted right with a mask.</summary>
    public int CountHits(MaskRows rows, ReadOnlySpan<float> mask) => On(rows, mask).Epoch([], settings.Rate).Hits;

    /// <summary>Which values of a mask are above a threshold, strictly.</summary>
    public bool[] Threshold(MaskRows rows, ReadOnlySpan<float> mask, float tau) => On(rows, mask).Threshold(tau);

    /// <summary>Frees the device memory.</summary>
    public void Dispose() => _trainer?.Dispose();

    private MaskState Epoch(MaskState state, IMaskRows source)
    {
        using var span = Telemetry.Epoch("esc-t", state.Epochs);
        var rows = source.Training(state.Epochs);
        var (mask, updates) = (state.Mask, state.Updates);
        var order = rows.Order.AsSpan();
        MaskEpoch epoch;
        var next = new float[basis.Length];
        using (StageRecorder.Begin(recorder, "mask"))
        {
            if (settings.FirstStepTransposed && state.Epochs == 0)
            {
                var first = Math.Min(settings.Batch, order.Length);
                mask = TransposedStep(rows, order[..first], mask, out var stepped);
                order = order[first..];
                updates += stepped;
            }

            var trainer = On(rows, mask);
            epoch = trainer.Epoch(order, settings.Rate);
            trainer.ReadMask(next);
        }

        var judged = source.Judged(state.Epochs);
        var hits = ReferenceEquals(judged.Features, rows.Features) ? epoch.Hits : CountHits(judged, next);
        return new MaskState(next, state.Epochs + 1, updates + epoch.Updates, hits);
    }

    // AᵀA = (Uᵀ ⊙ Mᵀ)(Uᵀ ⊙ Mᵀ)ᵀ: an ordinary step of the transposed problem.
    private float[] TransposedStep(MaskRows rows, ReadOnlySpan<int> batch, float[] mask, out int updates)
    {
        using var trainer = Create(Problem(rows, Transpose(basis)));
        trainer.WriteMask(Transpose(mask));
        updates = trainer.Epoch(batch, settings.Rate).Updates;
        var moved = new float[mask.Length];
        trainer.ReadMask(moved);
        return Transpose(moved);
    }

    // The trainer for these rows, with this mask.
    private IMaskTrainer On(MaskRows rows, ReadOnlySpan<float> mask)
    {
        if (_trainer is null || !ReferenceEquals(_rows?.Features, rows.Features))
        {
            _trainer?.Dispose();
            _trainer = null;
            _trainer = Create(Problem(rows, basis));
            _rows = rows;
        }

        _trainer.WriteMask(mask);
        return _trainer;
    }

    private MaskProblem Problem(MaskRows rows, double[] columns) => rows.Features.Device is { } device
        ? new MaskProblem(device, rows.Labels, columns, weight, bias, dimension, settings.Batch)
        : new MaskProblem(rows.Features.Rows, rows.Labels, columns, weight, bias, dimension, settings.Batch);

    private IMaskTrainer Create(MaskProblem problem) => gpu is null ? new CpuMaskTrainer(problem) : new CudaMaskTrainer(gpu, problem);

    // [d, d]
    private T[] Transpose<T>(T[] square)
    {
        var result = new T[square.Length];
        for (var i = 0; i < dimension; i++)
        {
            for (var j = 0; j < dimension; j++)
                result[(j * dimension) + i] = square[(i * dimension) + j];
        }

        return result;
    }
}

/// <summary>How a mask is trained.</summary>
internal sealed record MaskSettings
{
    /// <summary>The step M becomes M - Rate dL/dM.</summary>
    public required float Rate { get; init; }

    /// <summary>The most epochs.</summary>
    public required int Epochs { get; init; }

    /// <summary>Rows of a step.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>No epoch begins after so many seconds of training; 0 for no limit.</summary>
    public double Seconds { get; init; }

    /// <summary>Whether the very first step projects with AᵀA instead of A Aᵀ, as the released code's does.</summary>
    public bool FirstStepTransposed { get; init; }
}

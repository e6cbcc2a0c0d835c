using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Masks;

/// <summary><see cref="IMaskTrainer"/> on the CPU.</summary>
public sealed class CpuMaskTrainer : IMaskTrainer
{
    private readonly MaskDescent<float> _descent;

    /// <summary>Starts with a mask of ones.</summary>
    /// <param name="problem">What to train on.</param>
    public CpuMaskTrainer(MaskProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
        _descent = new MaskDescent<float>(problem.Features, problem.Labels, problem.Basis, problem.Weight, problem.Bias, problem.Dimension);
    }

    /// <inheritdoc/>
    public MaskProblem Problem { get; }

    /// <inheritdoc/>
    public MaskEpoch Epoch(ReadOnlySpan<int> order, float rate)
    {
        Problem.CheckRows(order);
        var updates = 0;
        for (var first = 0; first < order.Length; first += Problem.Batch)
        {
            if (_descent.Step(order.Slice(first, Math.Min(Problem.Batch, order.Length - first)), rate) > 0)
                updates++;
        }

        return new MaskEpoch(_descent.CountHits(), updates);
    }

    /// <inheritdoc/>
    public void ReadMask(Span<float> mask)
    {
        Problem.CheckMask(mask.Length);
        _descent.ReadMask(mask);
    }

    /// <inheritdoc/>
    public void WriteMask(ReadOnlySpan<float> mask)
    {
        Problem.CheckMask(mask);
        _descent.WriteMask(mask);
    }

    /// <inheritdoc/>
    public bool[] Threshold(float tau)
    {
        var mask = new float[Problem.Basis.Length];
        _descent.ReadMask(mask);
        return Array.ConvertAll(mask, value => value > tau);
    }

    /// <summary>Nothing is held.</summary>
    public void Dispose()
    {
    }
}

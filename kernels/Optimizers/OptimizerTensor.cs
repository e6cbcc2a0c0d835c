namespace EscNative.Kernels.Cpu;

/// <summary>One tensor of an optimizer step: where it, its gradient and its state are.</summary>
/// <param name="weight">[count], changed.</param>
/// <param name="gradient">[count].</param>
/// <param name="first">[count], changed: the velocity, or the first moment; null for none.</param>
/// <param name="second">[count], changed: the second moment; null for none.</param>
/// <param name="count">How many values.</param>
public readonly unsafe struct OptimizerTensor<T>(T* weight, T* gradient, T* first, T* second, long count)
    where T : unmanaged
{
    /// <summary>The values.</summary>
    public T* Weight { get; } = weight;

    /// <summary>Their gradient.</summary>
    public T* Gradient { get; } = gradient;

    /// <summary>The velocity or the first moment; null for none.</summary>
    public T* First { get; } = first;

    /// <summary>The second moment; null for none.</summary>
    public T* Second { get; } = second;

    /// <summary>How many values.</summary>
    public long Count { get; } = count;
}

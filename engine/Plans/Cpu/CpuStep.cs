using System.Diagnostics.CodeAnalysis;

namespace EscNative.Engine.Plans;

/// <summary>A node of a plan with its constants packed and its places in the arena known. Thread-safe.</summary>
internal abstract unsafe class CpuStep : IDisposable
{
    private readonly List<IDisposable> _constants = [];

    /// <summary>How the step is computed, where there are several ways; else empty.</summary>
    public virtual string Algorithm => "";

    /// <summary>Computes the step for some images; the halo of the result is the caller's to clear.</summary>
    public abstract void Run(float* arena, int images);

    public void Dispose()
    {
        foreach (var constant in _constants)
            constant.Dispose();
    }

    /// <summary>Disposes of a constant with the step.</summary>
    protected T Keep<T>(T constant)
        where T : IDisposable
    {
        _constants.Add(constant);
        return constant;
    }

    /// <summary>Constants as floats, freed with the step; null stays null.</summary>
    [return: NotNullIfNotNull(nameof(values))]
    protected NativeFloats? Constant(float[]? values) => values is null ? null : Keep(new NativeFloats(values));
}

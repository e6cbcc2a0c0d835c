using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>One operation with its operands and an independent float64 oracle. The same case runs in every kind of test.</summary>
/// <remarks>
/// Tolerance of a result: Factor √Terms u max|wanted|, u = 2^-24 for float32 and 2^-53 for float64. Terms is the length of the
/// longest sum behind a value: rounding errors of k additions of random sign add up to about √k u times the size of the sum.
/// Factor covers the roundings outside that sum and the spread between a typical and the worst of many values; cases that
/// need more than the usual 4 (8 for a gradient, which is a product of two rounded factors) say why.
/// </remarks>
/// <param name="Name">What is run, unique; the seed of its random numbers follows from it.</param>
/// <param name="Inputs">The operands.</param>
/// <param name="Run">The engine's operation.</param>
/// <param name="Oracle">The same function written as plain loops.</param>
public sealed record OperationCase(string Name, Input[] Inputs, Func<Tensor[], Tensor> Run, Func<NdArray[], NdArray> Oracle)
{
    /// <summary>The terms of the longest sum of the forward pass.</summary>
    public double Terms { get; init; } = 1;

    /// <summary>The terms of the longest sum of the backward pass.</summary>
    public double GradientTerms { get; init; } = 1;

    public double Factor { get; init; } = 4;

    public double GradientFactor { get; init; } = 8;

    /// <summary>What a gradient's rounding is relative to, if that is more than the largest of its values.</summary>
    public double GradientScale { get; init; }

    /// <summary>Whether <see cref="Run"/> is one call of the engine: nothing may then be left over even without a scope.</summary>
    public bool SingleCall { get; init; } = true;

    /// <summary>Whether the float32 tolerance holds for float64 too: values pass through float32 on the way.</summary>
    public bool Narrow { get; init; }

    /// <summary>The seed of the case's random numbers: a hash of its name (FNV-1a), the same in every run.</summary>
    public int Seed
    {
        get
        {
            var hash = 2166136261u;
            foreach (var c in Name)
                hash = (hash ^ c) * 16777619u;
            return (int)(hash & int.MaxValue);
        }
    }

    public override string ToString() => Name;
}

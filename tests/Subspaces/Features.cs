using EscNative.Tests.LinearAlgebra;

namespace EscNative.Tests.Subspaces;

/// <summary>Made-up features: rows in a few strong and many weak directions.</summary>
internal static class Features
{
    /// <summary>[n, d] float32 rows whose singular values fall about as 1 / j.</summary>
    public static float[] Decaying(int n, int d, Random random)
    {
        var directions = Matrices.Transpose(Matrices.Orthonormal(d, d, random), d, d);
        var weights = Matrices.Random(n, d, random);
        for (var i = 0; i < weights.Length; i++)
            weights[i] /= i % d + 1;
        return Array.ConvertAll(Matrices.Multiply(weights, directions, n, d, d), x => (float)x);
    }

    public static float[] Uniform(int n, int d, Random random) =>
        Array.ConvertAll(Matrices.Random(n, d, random), x => (float)x);

    /// <summary>Xᵀ X in plain float64 loops.</summary>
    public static double[] Gram(float[] rows, int n, int d)
    {
        var x = Array.ConvertAll(rows, v => (double)v);
        return Matrices.Multiply(Matrices.Transpose(x, n, d), x, d, n, d);
    }

    /// <summary>Rows times the symmetric projector p, [d, d].</summary>
    public static float[] Project(float[] rows, double[] p, int n, int d) =>
        Array.ConvertAll(Matrices.Multiply(Array.ConvertAll(rows, v => (double)v), p, n, d, d), x => (float)x);
}

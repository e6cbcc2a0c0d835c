namespace EscNative.Bench.Measuring;

/// <summary>A feature matrix that another program can make bit for bit from its sizes: what <c>peers/kernels.py</c> does.</summary>
internal static class FeatureMatrix
{
    /// <summary>[n, d]: hashed numbers, rectified like features behind a ReLU, with columns of falling weight.</summary>
    public static float[] Make(int n, int d)
    {
        var x = new float[n * d];
        for (var i = 0; i < x.Length; i++)
        {
            var h = unchecked((uint)i * 2654435761);
            h = unchecked((h ^ (h >> 16)) * 2246822519);
            h = unchecked((h ^ (h >> 13)) * 3266489917);
            h ^= h >> 16;
            var u = (h >> 8) * 5.9604645e-8f;
            x[i] = MathF.Max(u - 0.3f, 0) * (float)(1 / Math.Sqrt(1 + (i % d)));
        }

        return x;
    }
}

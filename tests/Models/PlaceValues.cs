namespace EscNative.Tests.Models;

/// <summary>Numbers that are a function of their place, as the recording scripts beside compute them, so that no weights need be stored.</summary>
internal static class PlaceValues
{
    /// <summary>Numbers in [-1/2, 1/2), multiples of 2^-24.</summary>
    public static double[] Uniform(int count, int stream)
    {
        var values = new double[count];
        for (var i = 0; i < count; i++)
        {
            var h = (uint)(((ulong)i * 2654435761UL) + ((ulong)(stream + 1) * 0x9E3779B9UL));
            h ^= h >> 15;
            h *= 0x85EBCA6B;
            h ^= h >> 13;
            h *= 0xC2B2AE35;
            h ^= h >> 16;
            values[i] = ((h >> 8) / 16777216.0) - 0.5;
        }

        return values;
    }

    /// <summary>The starting values of a parameter of PyTorch's shape.</summary>
    public static float[] Parameter(string name, ReadOnlySpan<int> shape, int stream)
    {
        var (count, fanIn) = (1, 1);
        for (var i = 0; i < shape.Length; i++)
        {
            count *= shape[i];
            fanIn *= i > 0 ? shape[i] : 1;
        }

        var scale = Math.Sqrt(12.0 / fanIn);
        var rank = shape.Length;
        return Array.ConvertAll(Uniform(count, stream), u => (float)(
            name is "cls_token" or "pos_embed" ? u
            : rank > 1 ? u * scale
            : name.EndsWith(".weight", StringComparison.Ordinal) ? 1 + (0.5 * u)
            : 0.2 * u));
    }
}

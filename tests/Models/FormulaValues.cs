using EscNative.Engine.Formats;

namespace EscNative.Tests.Models;

/// <summary>Numbers that follow from a name alone, here and in record_resnet.py: networks of any size without a file of weights.</summary>
internal static class FormulaValues
{
    /// <summary>FNV-1a, 64 bits.</summary>
    public static ulong Hash(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in System.Text.Encoding.UTF8.GetBytes(text))
            hash = (hash ^ b) * 1099511628211;
        return hash;
    }

    /// <summary>Values of [-1, 1), multiples of 2^-23: splitmix64 of the name's hash and the position.</summary>
    public static float[] Units(string name, long count)
    {
        var hash = Hash(name);
        var values = new float[count];
        for (var i = 0L; i < count; i++)
        {
            var z = hash + ((ulong)(i + 1) * 0x9E3779B97F4A7C15);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            values[i] = (float)(((z ^ (z >> 31)) >> 40) / 8388608.0 - 1);
        }

        return values;
    }

    /// <summary>A tensor of a network, in PyTorch's layout.</summary>
    public static NamedArray Of(string name, ReadOnlySpan<int> shape)
    {
        var count = 1L;
        foreach (var extent in shape)
            count *= extent;
        var values = Units(name, count);
        var (scale, shift) = shape.Length switch
        {
            4 => (Math.Sqrt(6.0 / ((double)shape[1] * shape[2] * shape[3])), 0),
            2 => (Math.Sqrt(3.0 / shape[1]), 0),
            _ when name.EndsWith("running_var", StringComparison.Ordinal) => (0.5, 1),
            _ when name.EndsWith("weight", StringComparison.Ordinal) => (0.25, 1),
            _ => (0.1, 0),
        };
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(shift + (scale * values[i]));
        return NamedArray.From(name, shape, values);
    }
}

using EscNative.Engine.Formats;

namespace EscNative.Models;

/// <summary>Learned positions of a square grid of patches, brought to another grid as timm's resample_abs_pos_embed does.</summary>
/// <remarks>
/// Bicubic with antialiasing, PyTorch's <c>F.interpolate(mode='bicubic', antialias=True)</c>: along each axis, the columns first, output i is the
/// mean of the inputs around c = (i + 1/2) scale under the cubic of a = -1/2, stretched by the scale where the grid shrinks, with weights that
/// sum to 1. The class token's row, the first one, stays as it is.
/// </remarks>
internal static class PositionGrid
{
    private const double A = -0.5;
    private const double Support = 2;

    /// <summary>The side of a square grid of some patches, or null where they make none.</summary>
    public static int? Side(int patches)
    {
        var side = (int)Math.Round(Math.Sqrt(Math.Max(patches, 0)));
        return side >= 1 && (long)side * side == patches ? side : null;
    }

    /// <summary>The positions for a grid of another side; the same array where it has that side, or is of no square grid.</summary>
    /// <param name="positions">[1, 1 + side², d].</param>
    /// <param name="side">Patches of a row of the new grid.</param>
    public static NamedArray Resample(NamedArray positions, int side)
    {
        if (Side(positions.Shape[1] - 1) is not { } old || old == side)
            return positions;
        var width = positions.Shape[2];
        var from = positions.ToFloat32();
        var weights = Weights(old, side);
        // [old, side, d], then [side, side, d]; the first row of the result is the class token's.
        var rows = new float[old * side * width];
        for (var y = 0; y < old; y++)
            Apply(weights, from.AsSpan((1 + (y * old)) * width), width, rows.AsSpan(y * side * width), width, width);
        var result = new float[(1 + (side * side)) * width];
        from.AsSpan(0, width).CopyTo(result);
        Apply(weights, rows, side * width, result.AsSpan(width), side * width, side * width);
        return NamedArray.From(positions.Name, [1, 1 + (side * side), width], result);
    }

    // For each output the first input that it reads, and their weights.
    private static (int First, float[] Weights)[] Weights(int old, int side)
    {
        var scale = (double)old / side;
        var stretch = Math.Max(scale, 1);
        var result = new (int First, float[] Weights)[side];
        for (var i = 0; i < side; i++)
        {
            var centre = (i + 0.5) * scale;
            var first = Math.Max((int)(centre - (Support * stretch) + 0.5), 0);
            var end = Math.Min((int)(centre + (Support * stretch) + 0.5), old);
            var values = new double[end - first];
            for (var j = 0; j < values.Length; j++)
                values[j] = Cubic((j + first - centre + 0.5) / stretch);
            var sum = values.Sum();
            result[i] = (first, Array.ConvertAll(values, v => (float)(v / sum)));
        }

        return result;
    }

    private static double Cubic(double x)
    {
        x = Math.Abs(x);
        return x < 1 ? ((((A + 2) * x) - (A + 3)) * x * x) + 1 : x < 2 ? ((((x - 5) * x) + 8) * x - 4) * A : 0;
    }

    // Rows of count values, pitch apart, are mixed into rows.
    private static void Apply((int First, float[] Weights)[] weights, ReadOnlySpan<float> from, int fromPitch, Span<float> to, int toPitch, int count)
    {
        for (var i = 0; i < weights.Length; i++)
        {
            for (var c = 0; c < count; c++)
            {
                var sum = 0.0;
                for (var j = 0; j < weights[i].Weights.Length; j++)
                    sum += weights[i].Weights[j] * (double)from[((weights[i].First + j) * fromPitch) + c];
                to[(i * toPitch) + c] = (float)sum;
            }
        }
    }
}

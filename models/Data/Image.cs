namespace EscNative.Models.Data;

/// <summary>One 8-bit image of its own size.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Pixels">[height, width, channels].</param>
internal sealed record Image(int Height, int Width, int Channels, byte[] Pixels)
{
    /// <summary>The image in another size, by a triangle filter as wide as the reduction (antialiased bilinear, as PIL's and torchvision's).</summary>
    public Image Resize(int height, int width)
    {
        if ((height, width) == (Height, Width))
            return this;
        var columns = Weights(Width, width);
        var rows = Weights(Height, height);
        // Columns first: [Height, width, c], then rows: [height, width, c].
        var half = new double[Height * width * Channels];
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (first, weights) = columns[x];
                for (var c = 0; c < Channels; c++)
                {
                    var sum = 0.0;
                    for (var i = 0; i < weights.Length; i++)
                        sum += weights[i] * Pixels[(((y * Width) + first + i) * Channels) + c];
                    half[(((y * width) + x) * Channels) + c] = sum;
                }
            }
        }

        var line = width * Channels;
        var pixels = new byte[height * line];
        for (var y = 0; y < height; y++)
        {
            var (first, weights) = rows[y];
            for (var x = 0; x < line; x++)
            {
                var sum = 0.0;
                for (var i = 0; i < weights.Length; i++)
                    sum += weights[i] * half[((first + i) * line) + x];
                pixels[(y * line) + x] = (byte)Math.Clamp(Math.Floor(sum + 0.5), 0, 255);
            }
        }

        return new Image(height, width, Channels, pixels);
    }

    /// <summary>The image with grey repeated into three channels, or as it is.</summary>
    public Image InColour()
    {
        if (Channels == 3)
            return this;
        var pixels = new byte[Pixels.Length * 3];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = Pixels[i / 3];
        return new Image(Height, Width, 3, pixels);
    }

    // For every output position: the first input position of its window, and the window's weights, which sum to 1.
    private static (int First, double[] Weights)[] Weights(int from, int to)
    {
        var scale = (double)from / to;
        var reach = Math.Max(scale, 1);
        var result = new (int, double[])[to];
        for (var i = 0; i < to; i++)
        {
            var centre = (i + 0.5) * scale;
            var first = Math.Max((int)(centre - reach + 0.5), 0);
            var last = Math.Min((int)(centre + reach + 0.5), from);
            var weights = new double[last - first];
            for (var j = 0; j < weights.Length; j++)
                weights[j] = Math.Max(0, 1 - (Math.Abs(first + j + 0.5 - centre) / reach));
            var sum = weights.Sum();
            result[i] = (first, Array.ConvertAll(weights, w => w / sum));
        }

        return result;
    }
}

namespace EscNative.Models.Data;

/// <summary>The window of input positions of every output position along one axis, in Pillow's fixed point.</summary>
/// <remarks>Every operation, its order and its rounding are Pillow's (Resample.c), so that results equal its bit for bit.</remarks>
internal sealed class ResampleWeights
{
    /// <summary>Fractional bits of a weight.</summary>
    public const int Bits = 22;

    private readonly int[] _first;
    private readonly int[] _count;
    private readonly int[] _weights;
    private readonly int _most;

    /// <summary>The windows of some of the output positions.</summary>
    /// <param name="from">Input positions.</param>
    /// <param name="to">Output positions.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="start">The first output position that is wanted.</param>
    /// <param name="length">How many are wanted.</param>
    public ResampleWeights(int from, int to, ImageFilter filter, int start, int length)
    {
        var scale = (double)(float)from / to;
        var wide = Math.Max(scale, 1);
        var support = SupportOf(filter) * wide;
        var narrow = 1 / wide;
        _most = Math.Min(((int)Math.Ceiling(support) * 2) + 1, from);
        _first = new int[length];
        _count = new int[length];
        _weights = new int[length * _most];
        var exact = new double[_most];
        for (var i = 0; i < length; i++)
        {
            var centre = (start + i + 0.5) * scale;
            var low = Math.Max((int)(centre - support + 0.5), 0);
            var high = Math.Min((int)(centre + support + 0.5), from);
            var sum = 0.0;
            for (var j = 0; j < high - low; j++)
            {
                exact[j] = Weigh(filter, (j + low - centre + 0.5) * narrow);
                sum += exact[j];
            }

            for (var j = 0; j < high - low; j++)
            {
                var weight = sum == 0 ? exact[j] : exact[j] / sum;
                _weights[(i * _most) + j] = (int)((weight * (1 << Bits)) + (weight < 0 ? -0.5 : 0.5));
            }

            _first[i] = low;
            _count[i] = high - low;
        }
    }

    /// <summary>How many output positions there are.</summary>
    public int Length => _first.Length;

    /// <summary>The first input position that any window has.</summary>
    public int Low => _first[0];

    /// <summary>The input position behind the last one that any window has.</summary>
    public int High => _first[^1] + _count[^1];

    /// <summary>The first input position of a window.</summary>
    public int First(int index) => _first[index];

    /// <summary>The weights of a window.</summary>
    public ReadOnlySpan<int> Weights(int index) => _weights.AsSpan(index * _most, _count[index]);

    private static double SupportOf(ImageFilter filter) => filter switch
    {
        ImageFilter.Box => 0.5,
        ImageFilter.Bilinear or ImageFilter.Hamming => 1,
        ImageFilter.Bicubic => 2,
        ImageFilter.Lanczos => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "no such filter"),
    };

    private static double Weigh(ImageFilter filter, double x)
    {
        const double a = -0.5;
        switch (filter)
        {
            case ImageFilter.Box:
                return x is > -0.5 and <= 0.5 ? 1 : 0;
            case ImageFilter.Bilinear:
                x = Math.Abs(x);
                return x < 1 ? 1 - x : 0;
            case ImageFilter.Hamming:
                x = Math.Abs(x);
                if (x == 0)
                    return 1;
                if (x >= 1)
                    return 0;
                x *= Math.PI;
                return Math.Sin(x) / x * (0.54f + (0.46f * Math.Cos(x)));
            case ImageFilter.Bicubic:
                x = Math.Abs(x);
                return x < 1 ? ((((a + 2) * x) - (a + 3)) * x * x) + 1 : x < 2 ? (((((x - 5) * x) + 8) * x) - 4) * a : 0;
            default:
                return x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0;
        }
    }

    private static double Sinc(double x)
    {
        if (x == 0)
            return 1;
        x *= Math.PI;
        return Math.Sin(x) / x;
    }
}

using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>Rows of the matrix exp(-gamma |x_i - x_j|²), computed when asked for; those asked for last are kept.</summary>
internal sealed unsafe class KernelRows
{
    private const int TileRows = 512;

    private readonly double[] _x;
    private readonly int _width;
    private readonly int _rows;
    private readonly int _capacity;
    private readonly float[]?[] _kept;
    private readonly LinkedList<int> _order = new();
    private readonly LinkedListNode<int>?[] _nodes;

    /// <summary>Keeps its arguments.</summary>
    /// <param name="x">[n, width], row-major.</param>
    /// <param name="width">Columns.</param>
    /// <param name="gamma">The kernel's gamma.</param>
    /// <param name="cacheBytes">Memory for rows; two are kept at the least.</param>
    public KernelRows(double[] x, int width, double gamma, long cacheBytes)
    {
        _x = x;
        _width = width;
        Gamma = gamma;
        _rows = x.Length / width;
        _capacity = (int)Math.Clamp(cacheBytes / (sizeof(float) * (long)_rows), 2, Math.Max(2, _rows));
        _kept = new float[]?[_rows];
        _nodes = new LinkedListNode<int>?[_rows];
    }

    /// <summary>The kernel's gamma.</summary>
    public double Gamma { get; }

    /// <summary>|a - b|².</summary>
    public static double SquaredDistance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        for (var j = 0; j < a.Length; j++)
            sum += (a[j] - b[j]) * (a[j] - b[j]);
        return sum;
    }

    /// <summary>Row i, [n]; valid until two other rows are asked for.</summary>
    public float[] Row(int i)
    {
        if (_kept[i] is { } kept)
        {
            _order.Remove(_nodes[i]!);
            _order.AddFirst(_nodes[i]!);
            return kept;
        }

        float[] row;
        if (_order.Count < _capacity)
        {
            row = new float[_rows];
        }
        else
        {
            var oldest = _order.Last!.Value;
            _order.RemoveLast();
            row = _kept[oldest]!;
            _kept[oldest] = null;
        }

        fixed (double* x = _x)
        fixed (float* values = row)
        {
            var job = new RowJob { X = x, Values = values, Row = i, Rows = _rows, Width = _width, Gamma = Gamma };
            CpuParallel.Run((_rows + TileRows - 1) / TileRows, job);
        }

        _kept[i] = row;
        _nodes[i] = _order.AddFirst(i);
        return row;
    }

    private struct RowJob : ITileJob
    {
        public double* X;
        public float* Values;
        public int Row, Rows, Width;
        public double Gamma;

        public readonly void Execute(int tile, int worker)
        {
            var own = new ReadOnlySpan<double>(X + ((long)Row * Width), Width);
            var end = Math.Min(Rows, (tile + 1) * TileRows);
            for (var k = tile * TileRows; k < end; k++)
                Values[k] = (float)Math.Exp(-Gamma * SquaredDistance(own, new ReadOnlySpan<double>(X + ((long)k * Width), Width)));
        }
    }
}

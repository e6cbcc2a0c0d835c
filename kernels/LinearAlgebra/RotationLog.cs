namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>
/// Plane rotations that the QL iteration asked for, kept until there are enough to apply them together, strip of columns by
/// strip of columns, while a strip stays in the cache.
/// </summary>
/// <remarks>
/// z is stored strip after strip, each [n, <see cref="DenseKernels.StripWidth"/>] and contiguous. Each column sees the same
/// rotations in the same order whoever computes it.
/// </remarks>
internal sealed unsafe class RotationLog : IDisposable
{
    private const int Capacity = 32;

    // Below this size a batch is a few microseconds of work a strip: not worth a second thread.
    private const int ParallelSize = 256;

    private readonly int _n;
    private readonly int _strips;
    private readonly double* _z;
    private readonly Workspace _memory;
    private readonly int[] _low = new int[Capacity];
    private readonly int[] _high = new int[Capacity];
    private int _count;

    public RotationLog(int n, double* z)
    {
        _n = n;
        _z = z;
        _strips = (n + DenseKernels.StripWidth - 1) / DenseKernels.StripWidth;
        _memory = new Workspace((Capacity + 1L) * Row);
    }

    private int Row => 2 * Workspace.Stride(_n);

    /// <summary>Where the next sweep is written: rotation i at [2 i] (cosine) and [2 i + 1] (sine).</summary>
    public double* Next => _memory.Pointer + (long)_count * Row;

    /// <summary>Keeps the sweep just written, whose rotations are low .. high - 1.</summary>
    public void Commit(int low, int high)
    {
        if (low >= high)
            return;
        _low[_count] = low;
        _high[_count] = high;
        if (++_count == Capacity)
            Flush();
    }

    /// <summary>Applies what is kept.</summary>
    public void Flush()
    {
        var pairs = stackalloc SweepPairRange[Capacity];
        var count = 0;
        var identity = _memory.Pointer + (long)Capacity * Row;
        for (var s = 0; s < _count; s++)
        {
            var first = _memory.Pointer + (long)s * Row;
            var low = _low[s];
            var high = _high[s];
            // Two sweeps share a pass over their common range, padded with identity rotations, unless the padding would
            // cost more than it saves.
            var together = s + 1 < _count
                && Math.Max(high, _high[s + 1]) - Math.Min(low, _low[s + 1]) <= high - low + _high[s + 1] - _low[s + 1];
            var second = together ? first + Row : identity;
            var end = together ? Math.Max(high, _high[s + 1]) : high;
            var start = together ? Math.Min(low, _low[s + 1]) : low;
            Pad(first, start, low, high, end);
            if (together)
                Pad(second, start, _low[s + 1], _high[s + 1], end);
            else
                Pad(second, start, end, end, end);
            pairs[count++] = new SweepPairRange(start, end, first, second);
            if (together)
                s++;
        }

        _count = 0;
        var job = new ApplyJob(_n, count, pairs, _z);
        if (_n >= ParallelSize)
        {
            CpuParallel.Run(_strips, job);
            return;
        }

        for (var strip = 0; strip < _strips; strip++)
            job.Execute(strip, 0);
    }

    public void Dispose() => _memory.Dispose();

    private static void Pad(double* sweep, int start, int low, int high, int end)
    {
        for (var i = start; i < low; i++)
            (sweep[2 * i], sweep[2 * i + 1]) = (1, 0);
        for (var i = high; i < end; i++)
            (sweep[2 * i], sweep[2 * i + 1]) = (1, 0);
    }

    private readonly struct SweepPairRange(int low, int high, double* first, double* second)
    {
        public readonly int Low = low;
        public readonly int High = high;
        public readonly double* First = first;
        public readonly double* Second = second;
    }

    private readonly struct ApplyJob(int n, int count, SweepPairRange* pairs, double* z) : ITileJob
    {
        public void Execute(int tile, int worker)
        {
            var strip = z + (long)tile * n * DenseKernels.StripWidth;
            for (var p = 0; p < count; p++)
                DenseKernels.SweepPair(pairs[p].Low, pairs[p].High, strip, pairs[p].First, pairs[p].Second);
        }
    }
}

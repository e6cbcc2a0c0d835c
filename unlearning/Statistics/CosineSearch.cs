using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using EscNative.Kernels.Cpu;

namespace EscNative.Unlearning.Statistics;

/// <summary>Finds the rows of a set that are most similar to given ones, by cosine: exact, blocked matrix products.</summary>
internal sealed unsafe class CosineSearch
{
    // A tile of similarities, [QueryRows, BaseRows] floats, stays in L2.
    private const int QueryRows = 128;
    private const int BaseRows = 512;

    private readonly float[] _base;
    private readonly int _rows;
    private readonly int _width;

    /// <summary>Normalises the rows that will be searched.</summary>
    /// <param name="rows">Where to search.</param>
    /// <param name="count">How many rows to find for each query.</param>
    public CosineSearch(FeatureSplit rows, int count)
    {
        _rows = rows.Rows;
        _width = rows.Width;
        _base = new float[rows.Features.Length];
        Count = count;
        for (var row = 0; row < _rows; row++)
            Normalise(rows.Row(row), _base.AsSpan(row * _width, _width));
    }

    /// <summary>How many rows are found for each query.</summary>
    public int Count { get; }

    /// <summary>Finds the most similar rows of each query, best first; of equally similar ones the first.</summary>
    /// <param name="queries">Where the queries stand.</param>
    /// <param name="rows">Which of them to take.</param>
    /// <param name="found">[rows, Count].</param>
    public void Find(FeatureSplit queries, ReadOnlySpan<int> rows, (float Similarity, int Row)[] found)
    {
        var normalised = new float[rows.Length * _width];
        for (var i = 0; i < rows.Length; i++)
            Normalise(queries.Row(rows[i]), normalised.AsSpan(i * _width, _width));
        fixed (float* searched = _base, query = normalised)
        fixed ((float Similarity, int Row)* nearest = found)
        {
            var job = new SearchJob
            {
                Base = searched,
                Queries = query,
                Nearest = nearest,
                Rows = _rows,
                QueryCount = rows.Length,
                Width = _width,
                Count = Count,
            };
            CpuParallel.Run((rows.Length + QueryRows - 1) / QueryRows, job);
        }
    }

    private static void Normalise(ReadOnlySpan<float> row, Span<float> unit)
    {
        var square = 0.0;
        foreach (var value in row)
            square += (double)value * value;
        var scale = square == 0 ? 0 : 1 / Math.Sqrt(square);
        for (var j = 0; j < row.Length; j++)
            unit[j] = (float)(row[j] * scale);
    }

    private struct SearchJob : ITileJob
    {
        public float* Base, Queries;
        public (float Similarity, int Row)* Nearest;
        public int Rows, QueryCount, Width, Count;

        public readonly void Execute(int tile, int worker)
        {
            var first = tile * QueryRows;
            var queries = Math.Min(QueryRows, QueryCount - first);
            var nearest = Nearest + ((long)first * Count);
            new Span<(float, int)>(nearest, queries * Count).Fill((float.NegativeInfinity, -1));
            var similarities = CpuScratch.Get<float>(CpuScratch.Slot.Reduce, QueryRows * BaseRows);
            for (var row = 0; row < Rows; row += BaseRows)
            {
                var rows = Math.Min(BaseRows, Rows - row);
                Gemm.Multiply(
                    queries, rows, Width, Queries + ((long)first * Width), Width, false, Base + ((long)row * Width), Width, true,
                    similarities, BaseRows, accumulate: false);
                for (var query = 0; query < queries; query++)
                    Merge(similarities + ((long)query * BaseRows), rows, row, nearest + ((long)query * Count), Count);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Merge(float* similarities, int rows, int firstRow, (float Similarity, int Row)* nearest, int count)
        {
            var i = 0;
            for (; i + 8 <= rows; i += 8)
            {
                var worst = Vector256.Create(nearest[count - 1].Similarity);
                if (!Vector256.GreaterThanAny(Vector256.Load(similarities + i), worst))
                    continue;
                for (var j = i; j < i + 8; j++)
                    Insert(similarities[j], firstRow + j, nearest, count);
            }

            for (; i < rows; i++)
                Insert(similarities[i], firstRow + i, nearest, count);
        }

        // Rows come in order, so a later one must be truly nearer to pass an earlier one.
        private static void Insert(float similarity, int row, (float Similarity, int Row)* nearest, int count)
        {
            if (!(similarity > nearest[count - 1].Similarity))
                return;
            var at = count - 1;
            for (; at > 0 && similarity > nearest[at - 1].Similarity; at--)
                nearest[at] = nearest[at - 1];
            nearest[at] = (similarity, row);
        }
    }
}

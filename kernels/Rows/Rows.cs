using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Rows picked by index, and their gradients put back.</summary>
public static unsafe class Rows
{
    private const long ColumnBlock = 1024;

    /// <summary>y[r] = x[index[r]] for rows of any type.</summary>
    /// <param name="x">[rows, rowBytes].</param>
    /// <param name="rows">How many rows there are to pick from.</param>
    /// <param name="index">[count].</param>
    /// <param name="y">[count, rowBytes].</param>
    /// <param name="count">How many rows are picked.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <exception cref="EscException">An index is out of range; nothing is written then.</exception>
    public static void Gather(void* x, long rows, int* index, void* y, long count, long rowBytes)
    {
        Check(index, count, rows);
        var perTile = SimdRunner.RowsPerTile(rowBytes, 4 * SimdRunner.TileValues);
        CpuParallel.Run(
            checked((int)SimdRunner.TilesOf(count, perTile)),
            new GatherJob((byte*)x, index, (byte*)y, count, rowBytes, perTile));
    }

    /// <summary>sum[index[r]] += dy[r], in the order of r.</summary>
    /// <param name="dy">[count, columns].</param>
    /// <param name="index">[count].</param>
    /// <param name="count">How many rows are added.</param>
    /// <param name="sum">[rows, columns], changed in place.</param>
    /// <param name="rows">How many rows there are to add to.</param>
    /// <param name="columns">Values of a row.</param>
    /// <exception cref="EscException">An index is out of range; nothing is written then.</exception>
    public static void ScatterAdd<T>(T* dy, int* index, long count, T* sum, long rows, long columns)
        where T : unmanaged
    {
        Check(index, count, rows);
        // Two rows may go to the same place, so threads share the columns, never the rows.
        SimdRunner.Run<T, ScatterAddJob<T>>(
            SimdRunner.TilesOf(columns, ColumnBlock), new ScatterAddJob<T>(dy, index, count, sum, columns));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Check(int* index, long count, long rows)
    {
        for (var r = 0L; r < count; r++)
        {
            if ((uint)index[r] >= rows)
                throw new EscException(ErrorCode.BadInput, $"rows by index: index {r} is {index[r]}, wants 0 to {rows - 1}");
        }
    }

    private readonly struct GatherJob(byte* x, int* index, byte* y, long count, long rowBytes, long perTile) : ITileJob
    {
        private readonly byte* _x = x;
        private readonly int* _index = index;
        private readonly byte* _y = y;
        private readonly long _count = count;
        private readonly long _rowBytes = rowBytes;
        private readonly long _perTile = perTile;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var end = Math.Min(_count, (tile + 1) * _perTile);
            for (var r = tile * _perTile; r < end; r++)
                Buffer.MemoryCopy(_x + _index[r] * _rowBytes, _y + r * _rowBytes, _rowBytes, _rowBytes);
        }
    }

    private readonly struct ScatterAddJob<T>(T* dy, int* index, long count, T* sum, long columns) : ISimdJob<T>
        where T : unmanaged
    {
        private readonly T* _dy = dy;
        private readonly int* _index = index;
        private readonly long _count = count;
        private readonly T* _sum = sum;
        private readonly long _columns = columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var first = tile * ColumnBlock;
            var end = Math.Min(_columns, first + ColumnBlock);
            for (var r = 0L; r < _count; r++)
            {
                var from = _dy + r * _columns;
                var to = _sum + _index[r] * _columns;
                var i = first;
                for (; i <= end - V.Count; i += V.Count)
                    (V.Load(to + i) + V.Load(from + i)).Store(to + i);
                if (i < end)
                    (V.LoadPartial(to + i, end - i) + V.LoadPartial(from + i, end - i)).StorePartial(to + i, end - i);
            }
        }
    }
}

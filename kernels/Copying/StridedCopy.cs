using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The one kernel that reads or writes memory that is not contiguous.</summary>
public static unsafe class StridedCopy
{
    private const long Block = 32;

    /// <summary>Copies a strided view to a strided view. The two must not overlap.</summary>
    /// <param name="source">The first value of the source.</param>
    /// <param name="sourceStrides">Its step along each dimension, in values; 0 repeats, negative reverses.</param>
    /// <param name="target">The first value of the target.</param>
    /// <param name="targetStrides">Its steps.</param>
    /// <param name="dims">The shape of both views, at most 6 dimensions.</param>
    /// <param name="elementSize">Bytes of a value: 1, 2, 4 or 8.</param>
    public static void Copy(
        void* source,
        ReadOnlySpan<long> sourceStrides,
        void* target,
        ReadOnlySpan<long> targetStrides,
        ReadOnlySpan<long> dims,
        int elementSize)
    {
        switch (elementSize)
        {
            case 1: Copy((byte*)source, sourceStrides, (byte*)target, targetStrides, dims); break;
            case 2: Copy((ushort*)source, sourceStrides, (ushort*)target, targetStrides, dims); break;
            case 4: Copy((uint*)source, sourceStrides, (uint*)target, targetStrides, dims); break;
            case 8: Copy((ulong*)source, sourceStrides, (ulong*)target, targetStrides, dims); break;
            default: throw new ArgumentOutOfRangeException(nameof(elementSize), elementSize, "wants 1, 2, 4 or 8 bytes");
        }
    }

    private static void Copy<T>(
        T* source, ReadOnlySpan<long> sourceStrides, T* target, ReadOnlySpan<long> targetStrides, ReadOnlySpan<long> dims)
        where T : unmanaged
    {
        ReadOnlySpan<long> unused = [0, 0, 0, 0, 0, 0];
        var nest = StridedNest.Create(dims, sourceStrides, unused[..Math.Min(dims.Length, unused.Length)], targetStrides);
        if (nest.Count == 0)
            return;
        var sourceUnit = UnitDimension(nest.Rank, nest.Dims, nest.A);
        var targetUnit = UnitDimension(nest.Rank, nest.Dims, nest.C);
        if (sourceUnit >= 0 && targetUnit >= 0 && sourceUnit != targetUnit)
        {
            // The two dimensions along which one side is contiguous go innermost and are copied in square blocks.
            nest.MoveLast(sourceUnit);
            nest.MoveLast(targetUnit > sourceUnit ? targetUnit - 1 : targetUnit);
            var panels = SimdRunner.TilesOf(nest.Dims[nest.Rank - 2], Block);
            var total = nest.Count / (nest.Dims[nest.Rank - 1] * nest.Dims[nest.Rank - 2]) * panels;
            var perTile = SimdRunner.RowsPerTile(Block * nest.Dims[nest.Rank - 1]);
            var job = new TransposeJob<T>(source, target, nest, panels, total, perTile);
            CpuParallel.Run(checked((int)SimdRunner.TilesOf(total, perTile)), job);
            return;
        }

        if (targetUnit >= 0)
            nest.MoveLast(targetUnit);
        CpuParallel.Run(
            checked((int)SimdRunner.TilesOf(nest.Count, SimdRunner.TileValues)), new RowsJob<T>(source, target, nest));
    }

    // The innermost dimension with stride 1, or -1.
    private static int UnitDimension(int rank, in Extents dims, in Extents strides)
    {
        for (var d = rank - 1; d >= 0; d--)
        {
            if (strides[d] == 1 && dims[d] > 1)
                return d;
        }

        return -1;
    }

    // A tile is a fixed range of values in the order of the nest; it may start and end within a row.
    private readonly struct RowsJob<T>(T* source, T* target, StridedNest nest) : ITileJob
        where T : unmanaged
    {
        private readonly T* _source = source;
        private readonly T* _target = target;
        private readonly StridedNest _nest = nest;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var start = tile * SimdRunner.TileValues;
            var end = Math.Min(_nest.Count, start + SimdRunner.TileValues);
            var inner = _nest.Rank - 1;
            var width = _nest.Dims[inner];
            var sourceStep = _nest.A[inner];
            var targetStep = _nest.C[inner];
            var column = start % width;
            var cursor = new RowCursor(_nest, start / width);
            while (start < end)
            {
                var n = Math.Min(width - column, end - start);
                Row(_source + cursor.A + column * sourceStep, sourceStep, _target + cursor.C + column * targetStep, targetStep, n);
                start += n;
                column = 0;
                cursor.Advance(_nest);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Row(T* source, long sourceStep, T* target, long targetStep, long n)
        {
            if (sourceStep == 1 && targetStep == 1 && n >= 8)
            {
                Buffer.MemoryCopy(source, target, n * sizeof(T), n * sizeof(T));
                return;
            }

            for (var i = 0L; i < n; i++)
                target[i * targetStep] = source[i * sourceStep];
        }
    }

    // Dimension rank - 2 is contiguous in the source, rank - 1 in the target. A panel is 32 lines of the former, whole.
    private readonly struct TransposeJob<T>(T* source, T* target, StridedNest nest, long panels, long total, long perTile) : ITileJob
        where T : unmanaged
    {
        private readonly T* _source = source;
        private readonly T* _target = target;
        private readonly StridedNest _nest = nest;
        private readonly long _panels = panels;
        private readonly long _total = total;
        private readonly long _perTile = perTile;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var outer = _nest;
            var columns = outer.Dims[outer.Rank - 1];
            var sourceStep = outer.A[outer.Rank - 1];
            var rows = outer.Dims[outer.Rank - 2];
            var targetStep = outer.C[outer.Rank - 2];
            outer.Rank--; // the cursor then walks the dimensions outside the two
            var end = Math.Min(_total, (tile + 1) * _perTile);
            for (var panel = tile * _perTile; panel < end; panel++)
            {
                var cursor = new RowCursor(outer, panel / _panels);
                var row = panel % _panels * Block;
                var height = Math.Min(Block, rows - row);
                for (var column = 0L; column < columns; column += Block)
                {
                    Square(
                        _source + cursor.A + row + column * sourceStep,
                        sourceStep,
                        _target + cursor.C + row * targetStep + column,
                        targetStep,
                        height,
                        Math.Min(Block, columns - column));
                }
            }
        }

        // Source lines come in whole and go through a small buffer: read in place, lines a power of two apart would push each
        // other out of the cache before their second value is used.
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        private static void Square(T* source, long sourceStep, T* target, long targetStep, long rows, long columns)
        {
            var buffer = stackalloc T[(int)(Block * (Block + 1))];
            for (var column = 0L; column < columns; column++)
            {
                var from = source + column * sourceStep;
                var to = buffer + column;
                for (var row = 0L; row < rows; row++)
                    to[row * (Block + 1)] = from[row];
            }

            for (var row = 0L; row < rows; row++)
            {
                var from = buffer + row * (Block + 1);
                var to = target + row * targetStep;
                for (var column = 0L; column < columns; column++)
                    to[column] = from[column];
            }
        }
    }
}

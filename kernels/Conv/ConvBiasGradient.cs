using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace EscNative.Kernels.Cpu;

/// <summary>Sums of a matrix's columns, with a fixed order: chunks of rows, then the chunks.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal static unsafe class ConvBiasGradient<T>
    where T : unmanaged, INumberBase<T>
{
    private const int RowsPerChunk = 1024;
    private const long ParallelValues = 1 << 18;

    /// <summary>sums[j] = sum over i of values[i * columns + j].</summary>
    public static void Run(long rows, int columns, T* values, T* sums)
    {
        var chunks = (int)((rows + RowsPerChunk - 1) / RowsPerChunk);
        var partial = CpuScratch.Get<T>(CpuScratch.Slot.ConvWeight, (long)chunks * columns);
        GemmDriver<T>.Run(rows * columns >= ParallelValues, chunks, new Job(rows, columns, values, partial));
        for (var j = 0; j < columns; j++)
        {
            var sum = 0.0;
            for (long chunk = 0; chunk < chunks; chunk++)
                sum += double.CreateTruncating(partial[chunk * columns + j]);
            sums[j] = T.CreateTruncating(sum);
        }
    }

    private readonly struct Job(long rows, int columns, T* values, T* partial) : ITileJob
    {
        private readonly T* _values = values, _partial = partial;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute(int tile, int worker)
        {
            var sums = _partial + (long)tile * columns;
            var row = _values + (long)tile * RowsPerChunk * columns;
            var count = (int)Math.Min(RowsPerChunk, rows - (long)tile * RowsPerChunk);
            nint j = 0;
            for (; j + 2 * Vector256<T>.Count <= columns; j += 2 * Vector256<T>.Count)
            {
                Vector256<T> s0 = default, s1 = default;
                for (nint i = 0; i < count; i++)
                {
                    s0 += Vector256.Load(row + i * columns + j);
                    s1 += Vector256.Load(row + i * columns + j + Vector256<T>.Count);
                }

                s0.Store(sums + j);
                s1.Store(sums + j + Vector256<T>.Count);
            }

            for (; j < columns; j++)
            {
                var sum = T.Zero;
                for (nint i = 0; i < count; i++)
                    sum += row[i * columns + j];
                sums[j] = sum;
            }
        }
    }
}

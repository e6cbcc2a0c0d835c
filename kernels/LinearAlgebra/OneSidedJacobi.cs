using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Rotates the rows of a matrix until they are orthogonal to each other.</summary>
/// <remarks>
/// Rows meet in a round-robin tournament: the pairs of one round are disjoint, so threads may share them and the result is
/// the same for any number of threads. Rows of very different size stay accurate relative to their own size.
/// </remarks>
internal static unsafe class OneSidedJacobi
{
    private const int MaxSweeps = 60;
    private const int PairsPerTile = 16;
    private const int ParallelSize = 128;

    /// <summary>The rotations are applied to rows of other, too, unless it is null.</summary>
    /// <returns>The sweeps that it took.</returns>
    /// <exception cref="EscException">No convergence (internal).</exception>
    public static int Run(int count, int length, double* rows, nint ld, int otherLength, double* other, nint ldo, CancellationToken cancel)
    {
        if (count < 2)
            return 0;
        var players = count + (count & 1);
        var pairs = players / 2;
        var tiles = (pairs + PairsPerTile - 1) / PairsPerTile;
        var rotated = (int*)NativeMemory.AllocZeroed((nuint)tiles, sizeof(int));
        try
        {
            for (var sweep = 1; sweep <= MaxSweeps; sweep++)
            {
                cancel.ThrowIfCancellationRequested();
                new Span<int>(rotated, tiles).Clear();
                for (var round = 0; round < players - 1; round++)
                {
                    var job = new RoundJob(count, length, rows, ld, otherLength, other, ldo, players, round, rotated);
                    if (count >= ParallelSize)
                    {
                        CpuParallel.Run(tiles, job);
                        continue;
                    }

                    for (var tile = 0; tile < tiles; tile++)
                        job.Execute(tile, 0);
                }

                if (!new Span<int>(rotated, tiles).ContainsAnyExcept(0))
                    return sweep;
            }
        }
        finally
        {
            NativeMemory.Free(rotated);
        }

        throw new EscException(
            ErrorCode.Internal, $"singular value decomposition of {count} vectors: no convergence in {MaxSweeps} Jacobi sweeps");
    }

    private readonly struct RoundJob(
        int count, int length, double* rows, nint ld, int otherLength, double* other, nint ldo, int players, int round, int* rotated)
        : ITileJob
    {
        public void Execute(int tile, int worker)
        {
            var end = Math.Min((tile + 1) * PairsPerTile, players / 2);
            for (var pair = tile * PairsPerTile; pair < end; pair++)
            {
                // The circle method: the last player stays, the others move round.
                var circle = players - 1;
                var a = pair == 0 ? circle : (round + pair) % circle;
                var b = pair == 0 ? round : (round - pair + circle) % circle;
                var (i, j) = a < b ? (a, b) : (b, a);
                if (j < count && Orthogonalise(i, j))
                    rotated[tile]++;
            }
        }

        private bool Orthogonalise(int i, int j)
        {
            double* x = rows + i * ld, y = rows + j * ld;
            DenseKernels.Dot3(length, x, y, out var xx, out var yy, out var xy);
            // sqrt before the product: xx yy may underflow where neither factor does.
            var tolerance = 1.1102230246251565e-16 * Math.Max(10, Math.Sqrt(length));
            if (!(Math.Abs(xy) > tolerance * Math.Sqrt(xx) * Math.Sqrt(yy)))
                return false;
            var zeta = (yy - xx) / (2 * xy);
            var t = Math.CopySign(1 / (Math.Abs(zeta) + Math.Sqrt(1 + zeta * zeta)), zeta);
            if (t == 0)
                return false;
            var c = 1 / Math.Sqrt(1 + t * t);
            var s = c * t;
            var tau = s / (1 + c);
            DenseKernels.Rotate(length, x, y, s, tau);
            if (other != null)
                DenseKernels.Rotate(otherLength, other + i * ldo, other + j * ldo, s, tau);
            return true;
        }
    }
}

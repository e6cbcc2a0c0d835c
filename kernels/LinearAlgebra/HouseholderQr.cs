namespace EscNative.Kernels.Cpu.LinearAlgebra;

/// <summary>Orthonormal bases by Householder QR. The vectors lie in rows, so that each is contiguous.</summary>
public static unsafe class HouseholderQr
{
    /// <summary>Replaces vectors by an orthonormal basis: the first j rows span what the first j vectors spanned.</summary>
    /// <remarks>
    /// Orthonormal to working precision whatever comes in: a vector that depends on those before it is replaced by an
    /// arbitrary direction orthogonal to them. Rows that are orthonormal already come back the same up to rounding.
    /// </remarks>
    /// <param name="count">How many vectors, at most <paramref name="length"/>.</param>
    /// <param name="length">The dimension.</param>
    /// <param name="rows">[count, length], finite, of moderate size (squares must not overflow).</param>
    /// <param name="ld">The row stride.</param>
    public static void Orthonormalise(int count, int length, double* rows, nint ld) => Basis(count, count, length, rows, ld, 0);

    /// <summary>Extends an orthonormal basis: the first <paramref name="have"/> rows stay as they are, the others are
    /// overwritten so that all are orthonormal.</summary>
    /// <param name="have">How many orthonormal rows there are.</param>
    /// <param name="count">How many there shall be, at most <paramref name="length"/>.</param>
    /// <param name="length">The dimension.</param>
    /// <param name="rows">[count, length]</param>
    /// <param name="ld">The row stride.</param>
    public static void Complete(int have, int count, int length, double* rows, nint ld) =>
        Basis(have, count, length, rows, ld, have);

    /// <summary>The largest entry of |Q Qᵀ - I|.</summary>
    /// <param name="count">How many vectors.</param>
    /// <param name="length">The dimension.</param>
    /// <param name="rows">[count, length]</param>
    /// <param name="ld">The row stride.</param>
    public static double OrthogonalityError(int count, int length, double* rows, nint ld)
    {
        using var memory = new Workspace((long)count * count);
        var gram = memory.Pointer;
        Gemm.Multiply(count, count, length, rows, ld, false, rows, ld, true, gram, count, false);
        double error = 0;
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < count; j++)
                error = Math.Max(error, Math.Abs(gram[(long)i * count + j] - (i == j ? 1 : 0)));
        }

        return error;
    }

    /// <summary>How many doubles of working memory <see cref="Factor"/> and <see cref="Multiply"/> want.</summary>
    internal static long Scratch(int rows, int length) =>
        BlockReflector.Scratch(rows) + (long)BlockReflector.Width * Workspace.Stride(length) + rows;

    /// <summary>
    /// A = Q R for the matrix A whose column j is row j of c: row j receives R's column j (j + 1 values) and, behind it, the
    /// reflector's part below its leading 1.
    /// </summary>
    internal static void Factor(int count, int length, double* c, nint ldc, double* tau, double* scratch)
    {
        var dots = scratch;
        var panel = dots + count;
        var rest = panel + (long)BlockReflector.Width * Workspace.Stride(length);
        for (var first = 0; first < count; first += BlockReflector.Width)
        {
            var width = Math.Min(BlockReflector.Width, count - first);
            for (var j = first; j < first + width; j++)
            {
                var v = c + j * ldc + j;
                tau[j] = BlockReflector.Make(length - j - 1, v + 1, v[0], out var beta);
                v[0] = 1;
                Reflect(first + width - j - 1, length - j, v + ldc, ldc, v, tau[j], dots);
                v[0] = beta;
            }

            var behind = count - first - width;
            if (behind == 0)
                break;
            Panel(first, width, length, c, ldc, panel);
            BlockReflector.Apply(
                behind, length - first, c + (first + width) * ldc + first, ldc, width, panel, Workspace.Stride(length), tau + first,
                false, rest);
        }
    }

    /// <summary>Each row x of z becomes Q x, Q being the square orthogonal factor of <see cref="Factor"/>.</summary>
    internal static void Multiply(
        int rows, double* z, nint ldz, int count, int length, double* c, nint ldc, double* tau, double* scratch)
    {
        var panel = scratch;
        var rest = panel + (long)BlockReflector.Width * Workspace.Stride(length);
        var last = (count - 1) / BlockReflector.Width * BlockReflector.Width;
        for (var first = last; first >= 0 && count > 0; first -= BlockReflector.Width)
        {
            var width = Math.Min(BlockReflector.Width, count - first);
            Panel(first, width, length, c, ldc, panel);
            BlockReflector.Apply(
                rows, length - first, z + first, ldz, width, panel, Workspace.Stride(length), tau + first, true, rest);
        }
    }

    /// <summary>Each row x becomes (I - tau v vᵀ) x.</summary>
    internal static void Reflect(int rows, int n, double* x, nint ldx, double* v, double tau, double* dots)
    {
        if (tau == 0 || rows == 0)
            return;
        DenseKernels.DotRows(rows, n, x, ldx, v, dots);
        for (var r = 0; r < rows; r++)
        {
            var factor = -tau * dots[r];
            DenseKernels.AddRows(1, n, v, n, &factor, x + r * ldx);
        }
    }

    // Whole reflectors (zeros, the leading 1, the tail) of rows first .. first + width - 1, from column first on.
    private static void Panel(int first, int width, int length, double* c, nint ldc, double* panel)
    {
        var size = length - first;
        for (var j = 0; j < width; j++)
        {
            var row = panel + (long)j * Workspace.Stride(length);
            new Span<double>(row, j).Clear();
            row[j] = 1;
            new Span<double>(c + (first + j) * ldc + first + j + 1, size - j - 1).CopyTo(new Span<double>(row + j + 1, size - j - 1));
        }
    }

    // Writes rows [from, count) of the basis that the first `given` rows begin.
    private static void Basis(int given, int count, int length, double* rows, nint ld, int from)
    {
        if (given < 0 || given > count || count > length)
            throw new UsageException($"orthonormal basis: got {given} of {count} vectors of dimension {length}, wants given <= count <= dimension");
        if (count == from)
            return;
        var stride = Workspace.Stride(length);
        using var memory = new Workspace((long)given * stride + Workspace.Stride(given) + Scratch(count, length));
        var c = memory.Pointer;
        var tau = c + (long)given * stride;
        var scratch = tau + Workspace.Stride(given);
        for (var j = 0; j < given; j++)
            new Span<double>(rows + j * ld, length).CopyTo(new Span<double>(c + (long)j * stride, length));
        Factor(given, length, c, stride, tau, scratch);
        for (var j = from; j < count; j++)
        {
            var row = rows + j * ld;
            new Span<double>(row, length).Clear();
            // The sign makes R's diagonal positive: orthonormal vectors then come back unchanged.
            row[j] = j < given && c[(long)j * stride + j] < 0 ? -1 : 1;
        }

        Multiply(count - from, rows + from * ld, ld, given, length, c, stride, tau, scratch);
    }
}

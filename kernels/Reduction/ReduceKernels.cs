using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Reductions of a dimension on a GPU. Their order follows from the sizes alone.</summary>
public sealed unsafe class ReduceKernels : KernelFamily
{
    // A row longer than this is reduced in chunks, as long as there are too few rows to fill a GPU.
    private const long Chunk = 4096;
    private const long ManyResults = 1 << 15;
    private const long ColumnChunk = 64;

    private readonly CudaFunction[] _rows;
    private readonly CudaFunction[] _columns;
    private readonly CudaFunction _rowsBFloat16ToFloat;
    private readonly CudaFunction _rowsFloatToBFloat16;
    private readonly CudaFunction _columnsBFloat16ToFloat;
    private readonly CudaFunction _columnsFloatToBFloat16;
    private readonly CudaFunction[] _argMax;
    private readonly CudaFunction[] _scatter;

    /// <summary>Loads the kernels.</summary>
    public ReduceKernels(CudaContext context)
        : base(context, "reduce")
    {
        _rows = Typed("reduce_rows");
        _columns = Typed("reduce_columns");
        _rowsBFloat16ToFloat = Function("reduce_rows_bf16_f32");
        _rowsFloatToBFloat16 = Function("reduce_rows_f32_bf16");
        _columnsBFloat16ToFloat = Function("reduce_columns_bf16_f32");
        _columnsFloatToBFloat16 = Function("reduce_columns_f32_bf16");
        _argMax = Typed("argmax");
        _scatter = Typed("scatter_axis");
    }

    /// <summary>Bytes of workspace that <see cref="Along"/> needs for these sizes; 0 for none.</summary>
    public static long WorkspaceBytes(DType type, long outer, long extent, long inner)
    {
        var chunks = Chunks(outer, extent, inner);
        return chunks == 1 ? 0 : outer * chunks * inner * (type == DType.F64 ? sizeof(double) : sizeof(float));
    }

    /// <summary>y[o, i] = the reduction of x[o, :, i].</summary>
    /// <param name="x">[outer, extent, inner].</param>
    /// <param name="y">[outer, inner].</param>
    /// <param name="workspace">Of <see cref="WorkspaceBytes"/>.</param>
    public void Along(DType type, ReduceOp op, nint x, nint y, long outer, long extent, long inner, nint workspace)
    {
        if (outer * inner == 0)
            return;
        var chunks = Chunks(outer, extent, inner);
        var divisor = op == ReduceOp.Mean ? (double)extent : 1.0;
        if (chunks == 1)
        {
            Launch(_rows[(int)type], _columns[(int)type], type, op, x, y, outer, extent, inner, extent, 1, divisor);
            return;
        }

        var chunk = (extent + chunks - 1) / chunks;
        if (type == DType.BF16)
        {
            Launch(_rowsBFloat16ToFloat, _columnsBFloat16ToFloat, type, op, x, workspace, outer, extent, inner, chunk, chunks, 1);
            Launch(_rowsFloatToBFloat16, _columnsFloatToBFloat16, type, op, workspace, y, outer, chunks, inner, chunks, 1, divisor);
        }
        else
        {
            Launch(_rows[(int)type], _columns[(int)type], type, op, x, workspace, outer, extent, inner, chunk, chunks, 1);
            Launch(_rows[(int)type], _columns[(int)type], type, op, workspace, y, outer, chunks, inner, chunks, 1, divisor);
        }
    }

    /// <summary>index[o, i] = where x[o, :, i] is largest: the first of equals, the first NaN if there is one.</summary>
    /// <param name="x">[outer, extent, inner].</param>
    /// <param name="index">int32, [outer, inner].</param>
    public void ArgMax(DType type, nint x, nint index, long outer, long extent, long inner)
    {
        if (outer * inner == 0)
            return;
        void** arguments = stackalloc void*[] { &x, &index, &outer, &extent, &inner };
        Stream.Launch(_argMax[(int)type], RowGroups.Shape(outer * inner, 32), arguments);
    }

    /// <summary>dx = 0, except dx[o, index[o, i], i] = dy[o, i].</summary>
    /// <param name="dy">[outer, inner].</param>
    /// <param name="index">int32, [outer, inner].</param>
    /// <param name="dx">[outer, extent, inner].</param>
    public void Scatter(DType type, nint dy, nint index, nint dx, long outer, long extent, long inner)
    {
        if (outer * extent * inner == 0)
            return;
        void** arguments = stackalloc void*[] { &dy, &index, &dx, &outer, &extent, &inner };
        Stream.Launch(_scatter[(int)type], LaunchShape.ForCount(outer * inner), arguments);
    }

    private static long Chunks(long outer, long extent, long inner)
    {
        var smallest = inner == 1 ? Chunk : ColumnChunk;
        return outer * inner >= ManyResults || extent <= 2 * smallest
            ? 1
            : Math.Min((extent + smallest - 1) / smallest, Math.Max(2 * ManyResults / Math.Max(outer * inner, 1), 1));
    }

    private void Launch(
        in CudaFunction rows, in CudaFunction columns, DType type, ReduceOp op, nint x, nint y, long outer, long extent, long inner,
        long chunk, long chunks, double divisor)
    {
        var (code, divisor32) = ((int)op, (float)divisor);
        void* s = type == DType.F64 ? &divisor : &divisor32;
        if (inner == 1)
        {
            var threads = RowGroups.Threads(chunk);
            void** arguments = stackalloc void*[] { &code, &x, &y, &outer, &extent, &chunk, &chunks, s, &threads };
            Stream.Launch(rows, RowGroups.Shape(outer * chunks, threads), arguments);
        }
        else
        {
            void** arguments = stackalloc void*[] { &code, &x, &y, &outer, &extent, &inner, &chunk, &chunks, s };
            Stream.Launch(columns, LaunchShape.ForCount(outer * chunks * inner), arguments);
        }
    }
}

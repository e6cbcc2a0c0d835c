using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Rows picked by index on a GPU. An index out of range is reported when the host next waits.</summary>
public sealed unsafe class RowsKernels : KernelFamily
{
    private const uint Block = 256;

    // Blocks that share the target rows of an addition, each with the whole index before it.
    private const uint Partitions = 64;

    private readonly CudaFunction _bytes;
    private readonly CudaFunction _words;
    private readonly CudaFunction _quads;
    private readonly CudaFunction[] _scatterAdd;

    /// <summary>Loads the kernels.</summary>
    public RowsKernels(CudaContext context)
        : base(context, "rows")
    {
        _bytes = Function("gather_rows_b8");
        _words = Function("gather_rows_b32");
        _quads = Function("gather_rows_b128");
        _scatterAdd = Typed("scatter_add_rows");
    }

    /// <summary>y[r] = x[index[r]].</summary>
    /// <param name="x">[rows, rowBytes].</param>
    /// <param name="index">int32, [count].</param>
    /// <param name="y">[count, rowBytes].</param>
    public void Gather(nint x, long rows, nint index, nint y, long count, long rowBytes)
    {
        if (count * rowBytes == 0)
            return;
        var all = x | y | (nint)rowBytes;
        var unit = (all & 15) == 0 ? 16 : (all & 3) == 0 ? 4 : 1;
        var units = rowBytes / unit;
        var faults = Context.NextFault();
        void** arguments = stackalloc void*[] { &x, &rows, &index, &y, &count, &units, &faults };
        Stream.Launch(unit == 16 ? _quads : unit == 4 ? _words : _bytes, LaunchShape.ForCount(count * units), arguments);
    }

    /// <summary>sum[index[r]] += dy[r], in the order of r.</summary>
    /// <param name="dy">[count, columns].</param>
    /// <param name="index">int32, [count].</param>
    /// <param name="sum">[rows, columns].</param>
    public void ScatterAdd(DType type, nint dy, nint index, long count, nint sum, long rows, long columns)
    {
        if (count * columns == 0)
            return;
        var faults = Context.NextFault();
        void** arguments = stackalloc void*[] { &dy, &index, &count, &sum, &rows, &columns, &faults };
        var shape = new LaunchShape((uint)((columns + Block - 1) / Block), (uint)Math.Clamp(rows, 1, Partitions), 1, Block);
        Stream.Launch(_scatterAdd[(int)type], shape, arguments);
    }
}

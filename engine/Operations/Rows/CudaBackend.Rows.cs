using EscNative.Kernels;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine;

internal sealed partial class CudaBackend
{
    private RowsKernels? _rows;

    private RowsKernels Rows => Once(ref _rows, static b => new RowsKernels(b.Context));

    public override void GatherRows(Tensor x, Tensor index, Tensor y, long columns)
    {
        using var call = KernelCall.Begin();
        Rows.Gather(x.Pointer, RowsOf(x, columns), index.Pointer, y.Pointer, index.Count, columns * x.DType.Size());
        y.Storage.MarkWritten();
    }

    public override void ScatterAddRows(Tensor dy, Tensor index, Tensor sum, long columns)
    {
        using var call = KernelCall.Begin();
        Rows.ScatterAdd(
            FloatType(sum, "ScatterAddRows"), dy.Pointer, index.Pointer, index.Count, sum.Pointer, RowsOf(sum, columns), columns);
        sum.Storage.MarkWritten();
    }

    // Rows of no columns cannot be counted by dividing; the first extent says how many there are.
    private static long RowsOf(Tensor x, long columns) => columns == 0 ? x.Shape[0] : x.Count / columns;
}

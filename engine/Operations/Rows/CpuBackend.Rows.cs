using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

internal sealed unsafe partial class CpuBackend
{
    public override void GatherRows(Tensor x, Tensor index, Tensor y, long columns)
    {
        using var call = KernelCall.Begin();
        Rows.Gather(
            (void*)x.Pointer, RowsOf(x, columns), index.PointerTo<int>(), (void*)y.Pointer, index.Count, columns * x.DType.Size());
    }

    public override void ScatterAddRows(Tensor dy, Tensor index, Tensor sum, long columns) =>
        Dispatch(sum, "ScatterAddRows", new ScatterAddJob(dy, index, sum, columns));

    // Rows of no columns cannot be counted by dividing; the first extent says how many there are.
    private static long RowsOf(Tensor x, long columns) => columns == 0 ? x.Shape[0] : x.Count / columns;

    private readonly struct ScatterAddJob(Tensor dy, Tensor index, Tensor sum, long columns) : IFloatJob
    {
        void IFloatJob.Run<T>() =>
            Rows.ScatterAdd(dy.PointerTo<T>(), index.PointerTo<int>(), index.Count, sum.PointerTo<T>(), RowsOf(sum, columns), columns);
    }
}

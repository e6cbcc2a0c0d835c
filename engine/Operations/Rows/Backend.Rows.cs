namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>y[r, :] = x[index[r], :] for rows of any type; an index out of range throws.</summary>
    public abstract void GatherRows(Tensor x, Tensor index, Tensor y, long columns);

    /// <summary>sum[index[r], :] += dy[r, :], in the order of r.</summary>
    public abstract void ScatterAddRows(Tensor dy, Tensor index, Tensor sum, long columns);
}

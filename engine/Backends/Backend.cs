using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Engine;

/// <summary>What a device must be able to do with tensors. Two sealed classes implement it, one for each kind of device.</summary>
/// <remarks>
/// Operations check shapes and types once; a backend member trusts them. Every tensor is contiguous and of one floating type
/// unless said otherwise, results are allocated by the caller and overwritten whole unless a member adds.
/// </remarks>
internal abstract class Backend
{
    public abstract MemoryPool Pool { get; }

    public abstract void Synchronize();

    /// <summary>Makes a plan ready to run here.</summary>
    public abstract PlanProgram Compile(PlanGraph graph, PlanOptions options);

    /// <summary>Copies host bytes to a contiguous tensor of any type.</summary>
    public abstract void CopyFromHost(ReadOnlySpan<byte> source, Tensor destination);

    /// <summary>Copies a contiguous tensor of any type to the host and waits.</summary>
    public abstract void CopyToHost(Tensor source, Span<byte> destination);

    /// <summary>Sets every value; any type, any strides.</summary>
    public abstract void Fill(Tensor y, double value);

    /// <summary>Copies between tensors of one shape and type; both sides may be strided, the source's strides may be 0.</summary>
    public abstract void Copy(Tensor source, Tensor destination);

    /// <summary>Copies between contiguous tensors of any two types, rounding to nearest even where the new type is narrower.</summary>
    public abstract void Convert(Tensor source, Tensor destination);

    public abstract void Unary(UnaryOp op, Tensor x, Tensor y);

    /// <summary>dx = dy f'(.), from the operand or the result as <see cref="UnaryOp"/> says of each function (Negate: null).</summary>
    public abstract void UnaryBackward(UnaryOp op, Tensor? saved, Tensor dy, Tensor dx);

    /// <summary>y = a op b; a and b are expanded to y's shape and may be strided, with stride 0 where they repeat.</summary>
    public abstract void Binary(BinaryOp op, Tensor a, Tensor b, Tensor y);

    /// <summary>y = x scale + shift.</summary>
    public abstract void Affine(Tensor x, double scale, double shift, Tensor y);

    /// <summary>y = x / divisor, a true division.</summary>
    public abstract void Divide(Tensor x, double divisor, Tensor y);

    /// <summary>sum += x; same shape, both contiguous.</summary>
    public abstract void AddInto(Tensor sum, Tensor x);

    /// <summary>y[o, i] = the fold of x[o, :, i]; x holds outer x extent x inner values.</summary>
    public abstract void Reduce(ReduceOp op, Tensor x, Tensor y, long outer, long extent, long inner);

    /// <summary>index[o, i] (I32) = where x[o, :, i] is largest; the first of equals, the first NaN if there is one.</summary>
    public abstract void ArgMax(Tensor x, Tensor index, long outer, long extent, long inner);

    /// <summary>dx = 0, except dx[o, index[o, i], i] = dy[o, i].</summary>
    public abstract void ScatterAxis(Tensor dy, Tensor index, Tensor dx, long outer, long extent, long inner);

    /// <summary>y[r, :] = x[index[r], :] for rows of any type; an index out of range throws.</summary>
    public abstract void GatherRows(Tensor x, Tensor index, Tensor y, long columns);

    /// <summary>sum[index[r], :] += dy[r, :], in the order of r.</summary>
    public abstract void ScatterAddRows(Tensor dy, Tensor index, Tensor sum, long columns);

    /// <summary>c[b] = op(a[b]) op(b[b]) for b &lt; batch: [m, k] times [k, n], each stored transposed where the flag says so.</summary>
    /// <param name="strideA">Values from one matrix of a to the next; 0 uses the same one for all.</param>
    public abstract void MatMul(
        Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k);

    /// <summary>x [n, h, w, c], weight [o, kh, kw, c], bias [o] or null, y [n, oh, ow, o].</summary>
    /// <param name="fast">Whether the device may use an algorithm that rounds more than a plain sum, where that is faster.</param>
    public abstract void Conv2d(in WindowShape s, bool fast, Tensor x, Tensor weight, Tensor? bias, Tensor y);

    public abstract void Conv2dDataGradient(in WindowShape s, bool fast, Tensor dy, Tensor weight, Tensor dx);

    public abstract void Conv2dWeightGradient(in WindowShape s, Tensor x, Tensor dy, Tensor dWeight);

    /// <summary>Mean and biased variance of each column of x [rows, channels].</summary>
    public abstract void BatchStatistics(Tensor x, Tensor mean, Tensor variance);

    /// <summary>running += momentum (batch - running), in place, for the mean and for the variance times <paramref name="correction"/>.</summary>
    public abstract void TrackStatistics(
        Tensor mean, Tensor variance, Tensor runningMean, Tensor runningVariance, double momentum, double correction);

    /// <summary>y = (x - mean) / √(variance + eps) gamma + beta over the columns of x [rows, channels], rectified where
    /// <paramref name="relu"/>.</summary>
    public abstract void BatchNormalise(
        Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, Tensor y);

    /// <summary>The gradient where mean and variance were the batch's own (<paramref name="ownStatistics"/>) or constants; dx may be dy.</summary>
    public abstract void BatchNormBackward(
        Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, bool relu, bool ownStatistics,
        Tensor dx, Tensor dGamma, Tensor dBeta);

    /// <summary>y = (x - mean) rstd gamma + beta over rows of x [rows, d]; mean and rstd [rows] are kept for the way back.</summary>
    public abstract void LayerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd);

    public abstract void LayerNormBackward(
        Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta);

    /// <summary>Averages over windows of x [n, h, w, c]; padding counts as zeros where <paramref name="countPadding"/>.</summary>
    public abstract void AveragePool(in WindowShape s, bool countPadding, Tensor x, Tensor y);

    public abstract void AveragePoolBackward(in WindowShape s, bool countPadding, Tensor dy, Tensor dx);

    /// <summary>The largest of each window; index (I32) = its position h w + x in the image, the first of equals.</summary>
    public abstract void MaxPool(in WindowShape s, Tensor x, Tensor y, Tensor index);

    public abstract void MaxPoolBackward(in WindowShape s, Tensor dy, Tensor index, Tensor dx);

    /// <summary>Softmax, or its logarithm, of each row of x [rows, d].</summary>
    public abstract void Softmax(Tensor x, Tensor y, long rows, long d, bool log);

    /// <summary>dx from the result y and dy.</summary>
    public abstract void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log);

    /// <summary>loss[r] = -log softmax(logits[r])[labels[r]], labels I32; a label out of range throws.</summary>
    public abstract void CrossEntropy(Tensor logits, Tensor labels, Tensor losses);

    /// <summary>dx[r] = dy[r] (softmax(logits[r]) - onehot(labels[r])).</summary>
    public abstract void CrossEntropyBackward(Tensor logits, Tensor labels, Tensor dy, Tensor dx);

    /// <summary>Uniform numbers in [0, 1) from Philox 4x32-10: value i is word i of the stream (seed, stream) after offset.</summary>
    public abstract void Uniform(Tensor y, ulong seed, ulong stream, ulong offset);

    /// <summary>y = x mask / (1 - p), with mask (U8) = 1 where the uniform number i of the stream is at least p.</summary>
    public abstract void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset);

    /// <summary>dx = dy mask scale.</summary>
    public abstract void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx);

    /// <summary>PyTorch's SGD of all parameters in one pass, in place: g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v).</summary>
    /// <param name="updates">With the velocity as first state, or null for none.</param>
    public abstract void Sgd(ReadOnlySpan<ParameterUpdate> updates, double rate, double momentum, double decay, bool nesterov);

    /// <summary>PyTorch's Adam (decay added to g) or AdamW (<paramref name="decoupled"/>) of all parameters in one pass, in place, at step t from 1.</summary>
    /// <param name="updates">With the two moments as states.</param>
    public abstract void Adam(
        ReadOnlySpan<ParameterUpdate> updates, double rate, double beta1, double beta2, double eps, double decay, bool decoupled, long t);
}

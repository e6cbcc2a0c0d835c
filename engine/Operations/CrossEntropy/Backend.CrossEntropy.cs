namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>loss[r] = -log softmax(logits[r])[labels[r]], labels I32; a label out of range throws.</summary>
    public abstract void CrossEntropy(Tensor logits, Tensor labels, Tensor losses);

    /// <summary>dx[r] = dy[r] (softmax(logits[r]) - onehot(labels[r])).</summary>
    public abstract void CrossEntropyBackward(Tensor logits, Tensor labels, Tensor dy, Tensor dx);
}

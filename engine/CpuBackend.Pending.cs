namespace EscNative.Engine;

internal sealed partial class CpuBackend
{
    public override void MatMul( Tensor a, bool transposeA, long strideA, Tensor b, bool transposeB, long strideB, Tensor c, int batch, int m, int n, int k) => throw new NotSupportedException();

    public override void Conv2d(in ConvGeometry g, Tensor x, Tensor weight, Tensor? bias, Tensor y) => throw new NotSupportedException();

    public override void Conv2dDataGradient(in ConvGeometry g, Tensor dy, Tensor weight, Tensor dx) => throw new NotSupportedException();

    public override void Conv2dWeightGradient(in ConvGeometry g, Tensor x, Tensor dy, Tensor dWeight) => throw new NotSupportedException();

    public override void BatchStatistics(Tensor x, Tensor mean, Tensor variance) => throw new NotSupportedException();

    public override void BatchNormalise( Tensor x, Tensor mean, Tensor variance, Tensor gamma, Tensor beta, double eps, Tensor y) => throw new NotSupportedException();

    public override void BatchNormBackward( Tensor x, Tensor dy, Tensor mean, Tensor variance, Tensor gamma, double eps, bool ownStatistics, Tensor dx, Tensor dGamma, Tensor dBeta) => throw new NotSupportedException();

    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) => throw new NotSupportedException();

    public override void LayerNormBackward( Tensor x, Tensor dy, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dGamma, Tensor dBeta) => throw new NotSupportedException();

    public override void AveragePool(in ConvGeometry g, bool countPadding, Tensor x, Tensor y) => throw new NotSupportedException();

    public override void AveragePoolBackward(in ConvGeometry g, bool countPadding, Tensor dy, Tensor dx) => throw new NotSupportedException();

    public override void MaxPool(in ConvGeometry g, Tensor x, Tensor y, Tensor index) => throw new NotSupportedException();

    public override void MaxPoolBackward(in ConvGeometry g, Tensor dy, Tensor index, Tensor dx) => throw new NotSupportedException();

    public override void Softmax(Tensor x, Tensor y, long rows, long d, bool log) => throw new NotSupportedException();

    public override void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, long rows, long d, bool log) => throw new NotSupportedException();

    public override void CrossEntropy(Tensor logits, Tensor labels, Tensor losses) => throw new NotSupportedException();

    public override void CrossEntropyBackward(Tensor logits, Tensor labels, Tensor dy, Tensor dx) => throw new NotSupportedException();

    public override void Uniform(Tensor y, ulong seed, ulong stream, ulong offset) => throw new NotSupportedException();

    public override void Dropout(Tensor x, Tensor y, Tensor mask, double p, ulong seed, ulong stream, ulong offset) => throw new NotSupportedException();

    public override void ApplyMask(Tensor dy, Tensor mask, double scale, Tensor dx) => throw new NotSupportedException();

    public override void Sgd( Tensor weight, Tensor gradient, Tensor? velocity, double rate, double momentum, double decay, bool nesterov) => throw new NotSupportedException();

    public override void Adam( Tensor weight, Tensor gradient, Tensor first, Tensor second, double rate, double beta1, double beta2, double eps, double decay, bool decoupled, long t) => throw new NotSupportedException();

    public override void ImagesToFloat( Tensor x, ReadOnlySpan<float> mean, ReadOnlySpan<float> std, ReadOnlySpan<byte> flip, ReadOnlySpan<int> dy, ReadOnlySpan<int> dx, Tensor y) => throw new NotSupportedException();

}

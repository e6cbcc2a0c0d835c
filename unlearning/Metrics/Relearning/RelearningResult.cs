namespace EscNative.Unlearning.Metrics.Relearning;

/// <summary>How fast a model learns again what it was made to forget.</summary>
/// <param name="OnRemain">Fine-tuned on D_r alone; the first point is the model as it is.</param>
/// <param name="OnSamples">Fine-tuned on a few images of the forgotten classes; the first point is the model as it is.</param>
/// <param name="Prototypes">With the head's rows replaced by prototypes: no step of training.</param>
/// <param name="Samples">Images that the attacker has, of all forgotten classes.</param>
/// <param name="ForgetImages">Images of D_f that the accuracies are over.</param>
/// <param name="ForgetTestImages">Images of D_ft.</param>
/// <param name="RemainTestImages">Images of D_rt.</param>
public sealed record RelearningResult(
    IReadOnlyList<RelearningPoint> OnRemain, IReadOnlyList<RelearningPoint> OnSamples, RelearningPoint Prototypes, int Samples,
    int ForgetImages, int ForgetTestImages, int RemainTestImages);

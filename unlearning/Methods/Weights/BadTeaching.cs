using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>BadT, bad teaching: the student follows a teacher that knows nothing on the forgetting data, the original on the rest (Chundawat et al., AAAI 2023).</summary>
/// <remarks>
/// Sees D_f and a random share of D_r, shuffled together. Target = softmax(T_d(x) / tau) for images to forget, T_d a network of new weights,
/// else softmax(T_s(x) / tau), T_s the original; both teachers in evaluation mode. Loss: KL(target || softmax(student / tau)), mean over the
/// batch; the released code also divides by the number of classes, which Adam cancels. Adam with learning rate 1e-4, 1 epoch, batch 256,
/// tau 1, 30 % of D_r.
/// </remarks>
public sealed class BadTeaching : TrainingMethod
{
    /// <inheritdoc/>
    public override string Name => "badt";

    /// <inheritdoc/>
    public override string Description => "BadT: distils an ignorant teacher on the forgetting data and the original on the rest (Chundawat et al., AAAI 2023)";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetAndRemain;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        TrainingParameters.Epochs(1), TrainingParameters.LearningRate(1e-4), TrainingParameters.Batch(256), TrainingParameters.Flip(true),
        TrainingParameters.Temperature(1), TrainingParameters.Share("remain-share", 0.3, "the share of the remaining data that is used"),
    ];

    /// <inheritdoc/>
    protected override TrainingTask Prepare(TrainingSetup setup)
    {
        var (model, temperature) = (setup.Model, setup.Parameters["temperature"]);
        var ignorant = setup.Own(Architectures.Create(model.Description, setup.Random(TrainingStreams.Teacher).NextBits(), model.Device));
        ignorant.Freeze();
        ignorant.Training = false;
        var images = setup.Forget.Join(Some(setup), "D_f and a part of D_r");
        var loader = setup.Loader(images, TrainingStreams.Forget);
        return new TrainingTask(setup.Adam(), setup.Epochs, epoch => [TrainingPass.Over(loader, epoch, Distance)]);

        Tensor Distance(Batch batch)
        {
            // 1 for an image to forget, else 0: [b, 1].
            var flags = new float[batch.Count];
            for (var i = 0; i < flags.Length; i++)
                flags[i] = batch.Indices[i] < setup.Forget.Count ? 1 : 0;
            var forget = Tensor.From(flags, (flags.Length, 1), model.Device);
            var target = (forget * ignorant.Forward(batch.Images)) + ((1 - forget) * setup.Original.Forward(batch.Images));
            // The source does not multiply by tau².
            return Loss.KlDivergence(model.Forward(batch.Images), target, temperature) / (temperature * temperature);
        }
    }

    private static ImageSet Some(TrainingSetup setup)
    {
        var count = (int)(setup.Remain.Count * setup.Parameters["remain-share"]);
        return setup.Remain.Subset(setup.Random(TrainingStreams.Subset).Permutation(setup.Remain.Count).AsSpan(0, count), "a part of D_r");
    }
}

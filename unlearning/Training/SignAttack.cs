using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Training;

/// <summary>The fast gradient sign method: one step that raises a constant model's loss, within a bound for each pixel.</summary>
/// <remarks>
/// x' = x + bound sign(d CE / d x) in pixels from 0 to 1, cut to that range and rounded to steps of 1/255 (halves to the even one), so that
/// x' is again an image; then normalised again. No random start. The last two steps are those of Chen et al. (Boundary Unlearning).
/// </remarks>
/// <param name="model">The model under attack: frozen, in evaluation mode.</param>
/// <param name="bound">How far a pixel may move, on the scale 0 to 1.</param>
public sealed class SignAttack(Classifier model, double bound)
{
    private readonly float[] _table = model.Description.Normalisation.Table(model.Description.Channels);

    /// <summary>The classes that the model predicts for the changed images, [b].</summary>
    /// <param name="batch">Normalised images and the labels whose loss is raised.</param>
    public int[] Labels(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = Tensor.Scope();
        var attacked = Images(batch);
        using var noGrad = Tensor.NoGrad();
        return model.Forward(attacked).ArgMax().ToArray<int>();
    }

    /// <summary>The changed images, normalised: [b, h, w, c].</summary>
    /// <inheritdoc cref="Labels"/>
    public Tensor Images(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = Tensor.Scope();
        var x = batch.Images.Detach().RequireGradient();
        using var gradients = Loss.CrossEntropy(model.Forward(x), batch.Labels).Backward();
        var (values, slopes) = (x.ToArray(), gradients[x].ToArray());
        var channels = model.Description.Channels;
        for (var i = 0; i < values.Length; i++)
        {
            var channel = i % channels;
            var pixel = Math.Round(((values[i] * (double)Normalisation.Std(channel)) + Normalisation.Mean(channel)) * 255);
            var moved = Math.Clamp(pixel + (255 * bound * Math.Sign(slopes[i])), 0, 255);
            values[i] = _table[(channel * 256) + (int)Math.Round(moved, MidpointRounding.ToEven)];
        }

        return scope.Keep(Tensor.From(values, x.Shape, model.Device));
    }

    private Normalisation Normalisation => model.Description.Normalisation;
}

using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>Projects out the mean direction of the forgetting data's features: I - m mᵀ, m the mean of length 1.</summary>
/// <remarks>Close to ESC with k = 1 where features are not negative, as behind a ReLU. No parameters, no remaining data.</remarks>
public sealed class MeanDirection : FeatureMethod
{
    /// <inheritdoc/>
    public override string Name => "mean-direction";

    /// <inheritdoc/>
    public override string Description => "Project out the mean direction of the forgetting data's features";

    /// <inheritdoc/>
    public override DataUse DataUse => DataUse.ForgetOnly;

    private protected override FeatureChange Solve(FeatureTask task)
    {
        var mean = new double[task.Width];
        task.Read(task.Context.Forget, (rows, _) =>
        {
            for (var i = 0; i < rows.Length; i++)
                mean[i % mean.Length] += rows[i];
        });
        var length = Math.Sqrt(mean.Sum(m => m * m));
        if (length > 0)
            return FeatureChange.Projection(task.Width, Array.ConvertAll(mean, m => m / length));
        task.Notes.Add("the mean feature of the forgetting data is 0: nothing was erased");
        return FeatureChange.Projection(task.Width, []);
    }
}

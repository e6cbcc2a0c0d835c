using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;

namespace EscNative.Unlearning.Training;

/// <summary>Images that maximise a constant model's error for a class (Tarun et al., UNSIR), found by Adam from normal noise.</summary>
/// <remarks>Minimises -CE(f(N), c) + 0.1 mean over images of sum N², in the normalised space of the model's inputs.</remarks>
internal static class ErrorNoise
{
    private const double Penalty = 0.1;
    private const double Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8;

    /// <summary>The images, normalised: [count, h, w, c].</summary>
    /// <param name="model">Frozen, in evaluation mode.</param>
    /// <param name="label">The class.</param>
    /// <param name="shape">[count, h, w, c].</param>
    /// <param name="steps">Steps of Adam.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="random">The starting values.</param>
    /// <param name="cancel">Cancels between steps.</param>
    public static float[] Find(Classifier model, int label, Shape shape, int steps, double rate, RandomSource random, CancellationToken cancel)
    {
        var noise = new float[shape.Count];
        random.FillNormal(noise);
        var (first, second) = (new double[noise.Length], new double[noise.Length]);
        var labels = Enumerable.Repeat(label, shape[0]).ToArray();
        for (var t = 1; t <= steps; t++)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = Tensor.Scope();
            var x = Tensor.From(noise, shape, model.Device).RequireGradient();
            using var gradients = Loss.CrossEntropy(model.Forward(x), Tensor.From(labels, labels.Length, model.Device)).Backward();
            var slopes = gradients[x].ToArray();
            for (var i = 0; i < noise.Length; i++)
            {
                var g = (2 * Penalty * noise[i] / shape[0]) - slopes[i];
                first[i] = (Beta1 * first[i]) + ((1 - Beta1) * g);
                second[i] = (Beta2 * second[i]) + ((1 - Beta2) * g * g);
                var mean = first[i] / (1 - Math.Pow(Beta1, t));
                noise[i] -= (float)(rate * mean / (Math.Sqrt(second[i] / (1 - Math.Pow(Beta2, t))) + Eps));
            }
        }

        return noise;
    }
}

using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>Runs of training methods that take milliseconds: an All-CNN of two to four filters, two dozen images, batches of a few.</summary>
internal static class Tiny
{
    private static readonly Dictionary<string, double> Small = new()
    {
        ["epochs"] = 3,
        ["batch"] = 8,
        ["remain-batch"] = 8,
        ["forget-batch"] = 4,
        ["remain-share"] = 0.5,
        ["iterations"] = 5,
        ["samples"] = 4,
        ["noise-images"] = 3,
        ["noise-repeats"] = 2,
        ["noise-steps"] = 3,
    };

    /// <summary>D_f has 6 images of one class, D_r 18 of the others.</summary>
    public static ForgetSplit Split { get; } = ForgetSplit.Create(SmallImages.Data(train: 24, test: 8), ForgetRequest.ForClasses(2));

    /// <summary>The registered methods that train.</summary>
    public static IEnumerable<string> Methods => MethodRegistry.Names.Where(name => MethodRegistry.Create(name) is TrainingMethod);

    public static Classifier Model(double width = 0.03, Device? device = null, ulong seed = 5)
    {
        var model = Architectures.Create(
            new ModelDescription { Hyperparameters = new AllCnnHyperparameters(width), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half },
            seed, device);
        model.Training = false;
        return model;
    }

    /// <summary>The method's defaults but for sizes, and but for what is given.</summary>
    public static UnlearningOptions Options(IUnlearningMethod method, params (string Name, double Value)[] values)
    {
        var parameters = Small.Where(s => method.Parameters.Any(p => p.Name == s.Key)).ToDictionary();
        foreach (var (name, value) in values)
            parameters[name] = value;
        return new UnlearningOptions { Parameters = parameters, Seed = 11 };
    }

    public static UnlearningResult Run(
        IUnlearningMethod method, Classifier model, UnlearningOptions options, IProgress<StageProgress>? progress = null,
        string? checkpoint = null, bool resume = false, CancellationToken cancel = default)
    {
        var remain = method.DataUse == DataUse.ForgetAndRemain ? Split.Remain : null;
        var context = new UnlearningContext(model, Split.Forget, options, remain) { HeldOut = Split.ForgetTest, CheckpointPath = checkpoint, Resume = resume };
        return method.Run(context, progress, cancel);
    }

    /// <summary>Every value of a model: parameters, running statistics, counters.</summary>
    public static float[] Values(Classifier model) =>
    [
        .. model.NamedParameters.SelectMany(p => p.Parameter.Value.ToArray()),
        .. model.NamedBuffers.SelectMany(b => b.Buffer.ToArray()),
        .. model.NamedModules.Select(m => m.Module).OfType<BatchNorm2d>().Select(norm => (float)norm.BatchesTracked),
    ];

    /// <summary>The values after a run on a fresh model.</summary>
    public static float[] After(IUnlearningMethod method, UnlearningOptions options)
    {
        using var model = Model();
        Run(method, model, options);
        return Values(model);
    }
}

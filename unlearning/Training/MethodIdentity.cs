using System.Globalization;
using EscNative.Models;

namespace EscNative.Unlearning.Training;

/// <summary>The question that a method answers: every method that keeps a checkpoint has it in there.</summary>
internal static class MethodIdentity
{
    /// <param name="method">The method; D_r counts if it may see it.</param>
    /// <param name="context">Images and options.</param>
    /// <param name="parameters">The values in use.</param>
    /// <param name="original">The model as it was given, with its head and its erasure.</param>
    /// <param name="limits">Parameters that only say when to end, or what is done after the last epoch: they may change between runs.</param>
    public static RunIdentity Of(
        IUnlearningMethod method, UnlearningContext context, MethodParameters parameters, Classifier original, params ReadOnlySpan<string> limits)
    {
        var options = context.Options;
        var identity = new RunIdentity(original.Device)
            .Add("method", method.Name)
            .Add("request", context.Asked is { } asked ? asked.Describe() : context.Request)
            .Add("p", options.Percent).Add("k", options.Directions).Add("solver", options.Solver).Add("mode", options.Mode.ToString())
            .Add("feature batch", options.BatchSize).Add("official augmentation", options.OfficialAugmentation ? 1 : 0)
            .Add("seed", options.Seed.ToString(CultureInfo.InvariantCulture))
            .Add("images to forget", context.Forget)
            .Add("remaining images", method.DataUse == DataUse.ForgetAndRemain ? context.Remain : null)
            .Add("held-out images", context.HeldOut)
            .Add(original);
        foreach (var (name, value) in parameters.Values)
        {
            if (!limits.Contains(name))
                identity.Add("parameter " + name, value);
        }

        return identity;
    }
}

using System.Globalization;
using System.Security.Cryptography;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Methods;

namespace EscNative.Unlearning.Training;

/// <summary>What must be equal for a checkpoint to be of a run: method, parameters, seed, the model as it was given, and the images.</summary>
internal static class RunIdentity
{
    /// <param name="method">The method; D_r counts if it may see it.</param>
    /// <param name="context">Images and seed.</param>
    /// <param name="parameters">The values in use.</param>
    /// <param name="original">The model as it was given.</param>
    public static string Of(IUnlearningMethod method, UnlearningContext context, MethodParameters parameters, Classifier original)
    {
        var values = string.Join(", ", parameters.Values.Select(p => $"{p.Key} {p.Value.ToString("R", CultureInfo.InvariantCulture)}"));
        var remain = method.DataUse == DataUse.ForgetAndRemain ? context.Remain : null;
        return $"{method.Name}: {values}, seed {context.Options.Seed.ToString(CultureInfo.InvariantCulture)}, model {Hash(original)}, "
            + $"to forget {Identity(context.Forget)}, remaining {Identity(remain)}, held out {Identity(context.HeldOut)}";
    }

    private static string Identity(ImageSet? images) =>
        images is null ? "none" : $"{images.Count.ToString(CultureInfo.InvariantCulture)} {images.ContentHash()}";

    /// <summary>SHA-256 of the values in the order and layout of a model file.</summary>
    private static string Hash(Classifier model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var array in ModelFile.ToArrays(model))
            hash.AppendData(array.Data.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

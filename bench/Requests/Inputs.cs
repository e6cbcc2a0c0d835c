using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>Images and requests as the options name them.</summary>
internal static class Inputs
{
    /// <summary>The images at a path, in the size that the networks of this version take.</summary>
    /// <param name="path">A folder, an archive, or <c>embedded</c>.</param>
    /// <param name="channels">The colours that the network takes.</param>
    /// <param name="identities">Of faces, how many people; 0 takes all.</param>
    /// <exception cref="EscException">They cannot be used.</exception>
    public static DataSet Open(string path, int channels = 3, int identities = 0) =>
        DataFolder.Open(path, identities: identities).Fit(AllCnn.ImageSize, AllCnn.ImageSize, channels);

    /// <summary>Checks that a model is one for the data.</summary>
    /// <exception cref="EscException">It has another number of classes or colours.</exception>
    public static void CheckClasses(Classifier model, string file, DataSet data)
    {
        if (data.ClassNames.Count != model.Classes || data.Train.Channels != model.Description.Channels)
        {
            throw new EscException(
                ErrorCode.BadInput,
                $"model and data do not belong together: {file} has {model.Classes} classes and {model.Description.Channels} channels, {data.Name} has {data.ClassNames.Count} and {data.Train.Channels}");
        }
    }

    /// <summary>The request where the user named none: the paper's class 4, or the last class where that one has no images.</summary>
    /// <param name="data">The images.</param>
    public static ForgetRequest PaperClass(DataSet data)
    {
        const int paper = 4;
        int[] train = data.Train.CountPerClass(), test = data.Test.CountPerClass();
        int[] classes = [.. Enumerable.Range(0, train.Length).Where(c => train[c] > 0 && test[c] > 0)];
        return ForgetRequest.ForClasses(classes.Contains(paper) || classes.Length == 0 ? paper : classes[^1]);
    }

    /// <summary>The request that two options mean.</summary>
    /// <exception cref="UsageException">Both or none are given, or the data has no such class.</exception>
    public static ForgetRequest Request(string? classes, string? indices, DataSet data) => (classes, indices) switch
    {
        ({ } names, null) => ForgetRequest.ParseClasses(names, data.ClassNames),
        (null, { } file) => ForgetRequest.ReadIndices(file, data.Train.Count),
        (null, null) => throw new UsageException("what is to be forgotten is missing: give --forget-class 4 or --forget-indices FILE"),
        _ => throw new UsageException("--forget-class and --forget-indices exclude each other: give one of them"),
    };
}

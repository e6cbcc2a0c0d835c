using EscNative.Bench.Cli;
using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>Images and requests as the options name them.</summary>
internal static class Inputs
{
    /// <summary>The images at a path, in the size and colours that a model takes.</summary>
    /// <param name="path">A folder, an archive, or <c>embedded</c>.</param>
    /// <param name="model">The model.</param>
    /// <param name="identities">Of faces, how many people; 0 takes all.</param>
    /// <param name="photos">How photos are read, or null for the defaults.</param>
    /// <exception cref="UsageException">Options of photos for data that are none.</exception>
    /// <exception cref="EscException">They cannot be used.</exception>
    public static DataSet Open(string path, ModelDescription model, int identities = 0, PhotoChoice? photos = null) =>
        Open(path, model.Architecture, model.Data is { } data ? data.Transform : model.Transform?.Name, model.Input(), identities, photos);

    /// <summary>The images at a path, in the size and colours that a new network is made for.</summary>
    /// <inheritdoc cref="Open(string, ModelDescription, int, PhotoChoice?)"/>
    public static DataSet Open(string path, Hyperparameters network, int identities = 0, PhotoChoice? photos = null) =>
        Open(path, network.Architecture, null, Architectures.Get(network.Architecture).Input(network), identities, photos);

    private static DataSet Open(string path, string architecture, string? trained, (int Height, int Width, int Channels) input, int identities, PhotoChoice? photos) =>
        (photos ?? new PhotoChoice()).Open(path, architecture, trained, input.Height, input.Width, input.Channels, identities).Fit(input.Height, input.Width, input.Channels);

    /// <summary>The request where the user named none: the paper's class 4, or the last class where that one has no images.</summary>
    /// <param name="data">The images.</param>
    public static ForgetRequest PaperClass(DataSet data)
    {
        const int paper = 4;
        int[] train = data.Train.CountPerClass(), test = data.Test.CountPerClass();
        int[] classes = [.. Enumerable.Range(0, train.Length).Where(c => train[c] > 0 && test[c] > 0)];
        return ForgetRequest.ForClasses(classes.Contains(paper) || classes.Length == 0 ? paper : classes[^1]);
    }

    /// <summary>The request that the options mean.</summary>
    /// <exception cref="UsageException">Several or none are given, or the data has no such class or person.</exception>
    public static ForgetRequest Request(string? classes, string? indices, DataSet data, string? subjects = null) =>
        subjects is not null ? ForgetRequest.ParseSubjects(subjects, data) : Request(classes, indices, data.ClassNames, data.Train.Count);

    /// <summary>The request that two options mean, of data that need not be open.</summary>
    /// <param name="classes">Class numbers or names, or null.</param>
    /// <param name="indices">A file of training images, or null.</param>
    /// <param name="classNames">The data's.</param>
    /// <param name="trainImages">The data's.</param>
    /// <exception cref="UsageException">Both or none are given, or the data has no such class.</exception>
    public static ForgetRequest Request(string? classes, string? indices, IReadOnlyList<string> classNames, int trainImages) => (classes, indices) switch
    {
        ({ } names, null) => Classes(names, classNames),
        (null, { } file) => ForgetRequest.ReadIndices(file, trainImages),
        (null, null) => throw new UsageException("what is to be forgotten is missing: give --forget-class 4 or --forget-indices FILE"),
        _ => throw new UsageException("--forget-class and --forget-indices exclude each other: give one of them"),
    };

    /// <summary>A request for classes as written on the command line.</summary>
    /// <exception cref="UsageException">An unknown class, with the nearest, or one twice.</exception>
    public static ForgetRequest Classes(string text, IReadOnlyList<string> classNames)
    {
        try
        {
            return ForgetRequest.ParseClasses(text, classNames);
        }
        catch (UsageException unknown)
        {
            var nearest = text.Split(',', StringSplitOptions.TrimEntries)
                .Where(part => part.Length > 1 && !classNames.Contains(part, StringComparer.OrdinalIgnoreCase) && !part.All(char.IsAsciiDigit))
                .Select(part => Suggestion.For(part, classNames))
                .FirstOrDefault(words => words.Length > 0);
            throw nearest is null ? unknown : new UsageException(unknown.Message + nearest);
        }
    }
}

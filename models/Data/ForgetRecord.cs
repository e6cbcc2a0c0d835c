using System.Globalization;
using System.Text;

namespace EscNative.Models.Data;

/// <summary>A request that a model was made to answer: kept in its file, so that nobody has to remember what a file forgot.</summary>
public sealed record ForgetRecord
{
    /// <summary>The method that answered it.</summary>
    public required string Method { get; init; }

    /// <summary>The request in words: <c>class 4</c>.</summary>
    public required string Request { get; init; }

    /// <summary>The names of the classes, or subjects, in the data's order; empty for a request by images.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>The training images by their ids, as ranges: <c>0-4, 17</c>; empty for a request by classes.</summary>
    public string Indices { get; init; } = "";

    /// <summary>Training images that were to be forgotten.</summary>
    public int Images { get; init; }

    /// <summary>The record of a request.</summary>
    /// <param name="method">Who answers it.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="forget">D_f.</param>
    public static ForgetRecord Of(string method, ForgetRequest request, ImageSet forget)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(forget);
        return new ForgetRecord
        {
            Method = method,
            Request = request.ToString(),
            Classes = [.. request.Classes.ToArray().Select(c => forget.ClassNames[c])],
            Indices = request.IsByClass ? "" : Ranges(request.Indices),
            Images = forget.Count,
        };
    }

    /// <summary>The record of images of which it is not known what they were asked for as.</summary>
    /// <param name="method">Who answers it.</param>
    /// <param name="request">What is asked for in words, or empty.</param>
    /// <param name="forget">D_f.</param>
    public static ForgetRecord OfImages(string method, string request, ImageSet forget)
    {
        ArgumentNullException.ThrowIfNull(forget);
        int[] ids = [.. Enumerable.Range(0, forget.Count).Select(forget.Id).Order()];
        return new ForgetRecord
        {
            Method = method,
            Request = request.Length > 0 ? request : string.Create(CultureInfo.InvariantCulture, $"{forget.Count} training images"),
            Indices = Ranges(ids),
            Images = forget.Count,
        };
    }

    /// <summary>Whether a request asks for the same.</summary>
    /// <param name="request">The request.</param>
    /// <param name="classNames">The classes of its data.</param>
    public bool IsSame(ForgetRequest request, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.IsByClass
            ? Classes.Order(StringComparer.Ordinal).SequenceEqual(request.Classes.ToArray().Select(c => classNames[c]).Order(StringComparer.Ordinal), StringComparer.Ordinal)
            : Indices == Ranges(request.Indices);
    }

    /// <inheritdoc/>
    public override string ToString() => Classes.Count > 0 ? $"{string.Join(", ", Classes)} ({Method})" : $"{Request} ({Method})";

    private static string Ranges(ReadOnlySpan<int> ascending)
    {
        var text = new StringBuilder();
        for (var i = 0; i < ascending.Length;)
        {
            var last = i;
            while (last + 1 < ascending.Length && ascending[last + 1] == ascending[last] + 1)
                last++;
            text.Append(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? ", " : "")}{ascending[i]}{(last > i ? $"-{ascending[last]}" : "")}");
            i = last + 1;
        }

        return text.ToString();
    }
}

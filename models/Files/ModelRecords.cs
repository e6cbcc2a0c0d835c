using System.Globalization;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Models;

/// <summary>Where a model came from, as metadata of its file: the images that it was trained on, and what it was made to forget.</summary>
/// <remarks>
/// <c>escnative.data.*</c> and <c>escnative.forgotten.i.*</c>. Files of older versions have none of it; of training they name the data set in
/// a note.
/// </remarks>
internal static class ModelRecords
{
    private const string Data = "escnative.data.";
    private const string Forgotten = "escnative.forgotten.";
    private const string OlderName = "escnative.note.data";
    private const int MostRequests = 10_000;

    public static void Write(Classifier model, IDictionary<string, string> metadata)
    {
        if (model.Description.Data is { } data)
        {
            metadata[Data + "name"] = data.Name;
            metadata[Data + "images"] = Text(data.Images);
            metadata[Data + "size"] = data.Size;
            if (data.Fingerprint is not null)
                metadata[Data + "fingerprint"] = data.Fingerprint;
            if (data.Transform is not null)
                metadata[Data + "transform"] = data.Transform;
            if (data.Without.Count > 0)
                metadata[Data + "without"] = string.Join('\n', data.Without);
        }

        if (model.Forgotten.Count == 0)
            return;
        metadata[Forgotten + "count"] = Text(model.Forgotten.Count);
        for (var i = 0; i < model.Forgotten.Count; i++)
        {
            var (start, record) = ($"{Forgotten}{Text(i)}.", model.Forgotten[i]);
            metadata[start + "method"] = record.Method;
            metadata[start + "request"] = record.Request;
            metadata[start + "images"] = Text(record.Images);
            if (record.Classes.Count > 0)
                metadata[start + "classes"] = string.Join('\n', record.Classes);
            if (record.Indices.Length > 0)
                metadata[start + "indices"] = record.Indices;
        }
    }

    /// <summary>The data that the model was trained on, or null where the file does not tell.</summary>
    /// <exception cref="DataFormatException">The record is damaged.</exception>
    public static DataRecord? ReadData(INamedArraySource file)
    {
        var metadata = file.Metadata;
        if (!metadata.TryGetValue(Data + "name", out var name))
            return metadata.TryGetValue(OlderName, out var older) ? new DataRecord { Name = older } : null;
        return new DataRecord
        {
            Name = name,
            Images = Number(file, Data + "images"),
            Size = metadata.GetValueOrDefault(Data + "size", ""),
            Fingerprint = metadata.GetValueOrDefault(Data + "fingerprint"),
            Transform = Transform(file),
            Without = Lines(metadata, Data + "without"),
        };
    }

    /// <summary>What the model was made to forget. Of a file of an older version, what its erasures say.</summary>
    /// <exception cref="DataFormatException">The record is damaged.</exception>
    public static IReadOnlyList<ForgetRecord> ReadForgotten(INamedArraySource file, Classifier model)
    {
        if (!file.Metadata.ContainsKey(Forgotten + "count"))
            return [.. model.Erasure?.Factors.Where(f => !f.IsIdentity).Select(f => OfOlder(f.Origin, model.Description.ClassNames)) ?? []];
        var count = Number(file, Forgotten + "count");
        if (count > MostRequests)
            throw new DataFormatException(file.Name, null, $"metadata {Forgotten}count is {Text(count)}, wants at most {Text(MostRequests)}");
        var records = new ForgetRecord[count];
        for (var i = 0; i < count; i++)
        {
            var start = $"{Forgotten}{Text(i)}.";
            records[i] = new ForgetRecord
            {
                Method = Required(file, start + "method"),
                Request = Required(file, start + "request"),
                Images = Number(file, start + "images"),
                Classes = Lines(file.Metadata, start + "classes"),
                Indices = file.Metadata.GetValueOrDefault(start + "indices", ""),
            };
        }

        return records;
    }

    // Their origin has the request in words: "class 4", "classes 4, 7".
    private static ForgetRecord OfOlder(IReadOnlyDictionary<string, string> origin, IReadOnlyList<string> names)
    {
        var request = origin.GetValueOrDefault("request", "");
        string[] words = request.StartsWith("class", StringComparison.Ordinal) ? request.Split(' ', 2)[^1].Split(", ") : [];
        var classes = words.Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var c) && c < names.Count ? names[c] : null).ToArray();
        return new ForgetRecord
        {
            Method = origin.GetValueOrDefault("method", "unknown method"),
            Request = request.Length > 0 ? request : "a request that its record does not name",
            Classes = Array.TrueForAll(classes, name => name is not null) ? [.. classes.OfType<string>()] : [],
        };
    }

    private static string[] Lines(IReadOnlyDictionary<string, string> metadata, string key) =>
        metadata.TryGetValue(key, out var text) && text.Length > 0 ? text.Split('\n') : [];

    private static string? Transform(INamedArraySource file) =>
        !file.Metadata.TryGetValue(Data + "transform", out var name) || ImageTransform.Find(name) is not null
            ? name
            : throw new DataFormatException(file.Name, null, $"metadata {Data}transform is '{name}', wants {string.Join(", ", ImageTransform.All.Select(t => t.Name))}");

    private static string Required(INamedArraySource file, string key) =>
        file.Metadata.TryGetValue(key, out var value) ? value : throw new DataFormatException(file.Name, null, $"lacks the metadata {key}");

    private static int Number(INamedArraySource file, string key) =>
        int.TryParse(Required(file, key), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new DataFormatException(file.Name, null, $"metadata {key} is '{Required(file, key)}', wants a whole number");

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Bench.Requests;

/// <summary>What a model's record says of earlier requests, beside the one in hand.</summary>
internal static class ForgottenNotes
{
    private const string Retrained = "retrain";

    /// <summary>For a measurement: whether what is measured is what the file was made to forget.</summary>
    public static string Measured(Classifier model, ForgetSplit split)
    {
        var asked = Words(split);
        if (model.Forgotten.Count == 0)
            return model.Erasure is null
                ? "The model carries no erasure, and its file records no request to forget anything."
                : $"The model carries an erasure, but its file does not say of what: whether it was made to forget {asked} is not known.";
        var had = string.Join("; ", model.Forgotten);
        return model.Forgotten.Any(record => record.IsSame(split.Request, split.Data.ClassNames))
            ? model.Forgotten.Count == 1 ? $"The file records that it was made to forget {had}: what is measured here." : $"The file records that it was made to forget {had}. Measured here: {asked}."
            : $"NOT WHAT THE FILE FORGOT: it was made to forget {had}, and what is measured here is {asked}, which its record does not name.";
    }

    /// <summary>For a model that others are measured beside: whether it can be what it is given as.</summary>
    /// <param name="model">The reference.</param>
    /// <param name="name">Its file.</param>
    /// <param name="data">The images.</param>
    /// <param name="isRetrain">Whether it is given as one that never saw what is to be forgotten; else as the model before the request.</param>
    public static IEnumerable<string> Reference(Classifier model, string name, DataSet data, bool isRetrain)
    {
        var given = isRetrain ? "NO RETRAIN REFERENCE" : "NOT THE MODEL BEFORE THE REQUEST";
        if (model.Forgotten.FirstOrDefault(record => !isRetrain || record.Method != Retrained) is { } record)
            yield return $"{given}: {name} was itself made to forget {record}.";
        else if (model.Erasure is not null)
            yield return $"{given}: {name} carries an erasure itself.";
        else if (isRetrain && model.Forgotten.Count == 0 && model.Description.Data?.Fingerprint is { } seen && seen == data.Record.Fingerprint)
            yield return $"{given}: {name} was trained on all of {data.Name}, what is to be forgotten included.";
    }

    /// <summary>For a further request: what the file had forgotten before.</summary>
    public static IEnumerable<string> Before(Classifier model)
    {
        if (model.Forgotten.Count > 0)
            yield return $"The model file was already made to forget {string.Join("; ", model.Forgotten)}.";
    }

    /// <summary>A request with the names of its classes.</summary>
    public static string Words(ForgetSplit split)
    {
        var (request, names) = (split.Request, split.Data.ClassNames);
        return request.IsByClass ? $"{request} ({string.Join(", ", request.Classes.ToArray().Select(c => names[c]))})" : request.WithNames();
    }
}

namespace EscNative.Models.Data;

/// <summary>One photo of a set.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Label">Its class.</param>
/// <param name="Subject">Who it shows, or null where the set does not say.</param>
internal readonly record struct PhotoFile(string Path, int Label, string? Subject = null);

namespace EscNative.Models.Data;

/// <summary>One image of a manifest.</summary>
/// <param name="File">Its path in the manifest's folder.</param>
/// <param name="Sha256">The hash of the file.</param>
public sealed record LacunaImage(string File, string Sha256);

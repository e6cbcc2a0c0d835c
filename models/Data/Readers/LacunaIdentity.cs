namespace EscNative.Models.Data;

/// <summary>One person of a manifest.</summary>
/// <param name="Id">The folder's name: <c>n000001</c>.</param>
/// <param name="Train">Training images.</param>
/// <param name="Test">Test images.</param>
public sealed record LacunaIdentity(string Id, IReadOnlyList<LacunaImage> Train, IReadOnlyList<LacunaImage> Test);

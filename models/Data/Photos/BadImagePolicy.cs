namespace EscNative.Models.Data;

/// <summary>What happens where a photo cannot be read.</summary>
public enum BadImagePolicy
{
    /// <summary>Reading ends with an error that names it.</summary>
    Error,

    /// <summary>It is left out; a remark counts such photos.</summary>
    Skip,
}

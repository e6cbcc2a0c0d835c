namespace EscNative.Images;

/// <summary>What became of the search for the system's TurboJPEG.</summary>
/// <param name="Path">The file in use, or null.</param>
/// <param name="Version">Its API, 2 or 3; 0 where there is none.</param>
/// <param name="Tried">Every file that was tried, in order; those that cannot be used with the reason.</param>
/// <param name="Problem">Why none is used, or null.</param>
public sealed record TurboJpegFinding(string? Path, int Version, IReadOnlyList<string> Tried, string? Problem)
{
    /// <summary>What to do where it is missing.</summary>
    public const string Fix = "optional: 'apt install libturbojpeg0' ('dnf install turbojpeg', 'brew install jpeg-turbo'; on Windows libjpeg-turbo's installer) makes JPEG images decode several times faster";
}

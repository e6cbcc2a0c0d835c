namespace EscNative.Kernels.Cuda.Loading;

/// <summary>What became of the search for one native library.</summary>
/// <param name="Library">Its usual name: "CUDA driver", "NVRTC", "cuBLAS", "cuSOLVER".</param>
/// <param name="Path">Where it was found, or null.</param>
/// <param name="Version">Its version, where it says one.</param>
/// <param name="Tried">Every file that was tried, in order; those that exist but cannot be loaded with the reason.</param>
/// <param name="Problem">Why it cannot be used, or null.</param>
/// <param name="Fix">What to do about it, or null.</param>
public sealed record LibraryFinding(
    string Library, string? Path, string? Version, IReadOnlyList<string> Tried, string? Problem, string? Fix);

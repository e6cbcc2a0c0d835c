using EscNative.Models.Data;

namespace EscNative.Unlearning.Features;

/// <summary>What a request forgets, read from its data: whole classes, or images of classes that remain.</summary>
/// <param name="forget">D_f.</param>
/// <param name="remain">D_r.</param>
internal sealed class ForgottenClasses(ImageSet forget, ImageSet remain)
{
    private readonly int[] _forgotten = Present(forget);

    /// <summary>The classes with images in D_r, ascending.</summary>
    public int[] Remaining { get; } = Present(remain);

    /// <summary>Whether no class of D_f has images in D_r.</summary>
    public bool IsByClass => !_forgotten.Intersect(Remaining).Any();

    /// <summary>The classes of D_f that have no images in D_r, ascending; empty for a request by images.</summary>
    public int[] Forgotten => IsByClass ? _forgotten : [];

    /// <summary>Why a method that forgets whole classes does not apply to a request, or null.</summary>
    public static string? WhyNotByClass(string method, UnlearningContext context) => !context.HasRemain || new ForgottenClasses(context.Forget, context.Remain).IsByClass
        ? null
        : $"{method}: got a request for images whose classes remain, wants one for whole classes (--forget-class)";

    private static int[] Present(ImageSet images)
    {
        var counts = images.CountPerClass();
        return [.. Enumerable.Range(0, counts.Length).Where(c => counts[c] > 0)];
    }
}

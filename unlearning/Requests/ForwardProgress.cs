namespace EscNative.Unlearning;

/// <summary>Tells how far a feature pass is as the stage <c>forward</c> of a request.</summary>
/// <param name="progress">Who is told.</param>
/// <param name="before">Images of earlier passes that count.</param>
/// <param name="total">Images of all passes that count.</param>
internal sealed class ForwardProgress(IProgress<StageProgress> progress, long before, long total) : IProgress<int>
{
    public void Report(int value) => progress.Report(new StageProgress("forward", before + value, total));
}

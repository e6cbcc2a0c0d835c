using EscNative.Bench.Reports;

namespace EscNative.Bench.Experiments;

/// <summary>Takes the times out of an experiment: those of an emulated device mean nothing.</summary>
internal static class ExperimentTimes
{
    public static ExperimentResult Withhold(ExperimentResult result) => result with
    {
        Claims = [],
        Methods =
        [
            .. result.Methods.Select(m => m with
            {
                Trials = [.. m.Trials.Select(t => t with { Seconds = double.NaN, Requests = [.. t.Requests.Select(Without)], Joint = t.Joint is { } joint ? Without(joint) : null })],
            }),
        ],
    };

    private static AnswerResult Without(AnswerResult answer) => answer with { Seconds = double.NaN };
}

using EscNative.Unlearning.Statistics;

namespace EscNative.Unlearning.Metrics;

/// <summary>Which rows a membership attack is judged on.</summary>
/// <param name="Members">D_f: training rows.</param>
/// <param name="NonMembers">D_ft, or all test rows where the request names single images: test rows.</param>
internal sealed record MembershipRows(int[] Members, int[] NonMembers)
{
    /// <summary>The rows of a request.</summary>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    public static MembershipRows Of(EvaluationData data, string operation)
    {
        Check(data, operation);
        return new MembershipRows(
            data.Train.RowsOf(forgotten: true), data.Test.RowsOf(forgotten: data.Test.ForgottenRows > 0));
    }

    /// <summary>Refuses data without logits.</summary>
    /// <exception cref="EscException">BadInput: the data come without logits.</exception>
    public static void Check(EvaluationData data, string operation)
    {
        if (!data.HasLogits)
            throw Guard.Bad($"{operation}: got features without logits, wants the model's own output of both sets");
    }
}

using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class FeatureSplitTests
{
    [Theory]
    [InlineData(float.NaN, "NaN in row 1, column 0")]
    [InlineData(float.NegativeInfinity, "-Infinity in row 1, column 0")]
    public void A_feature_that_is_no_number_is_refused(float bad, string words) =>
        Refused(words, () => new FeatureSplit([1, 2, bad, 4], 2, [0, 1], 2, new bool[2]));

    [Fact]
    public void Sizes_must_agree()
    {
        Refused("features hold 3 values, wants 2 rows of 2", () => new FeatureSplit(new float[3], 2, [0, 1], 2, new bool[2]));
        Refused("got 1 marks of forgotten rows, wants 2", () => new FeatureSplit(new float[4], 2, [0, 1], 2, new bool[1]));
        Refused("logits hold 3 values, wants 2 rows of 2", () => new FeatureSplit(new float[4], 2, [0, 1], 2, new bool[2], new float[3]));
        Refused("got width 0", () => new FeatureSplit([], 0, [], 2, []));
        Refused("got 0 classes", () => new FeatureSplit([], 1, [], 0, []));
    }

    [Fact]
    public void A_label_must_be_a_class() =>
        Refused("label 2 of row 1", () => new FeatureSplit(new float[2], 1, [0, 2], 2, new bool[2]));

    [Fact]
    public void A_row_to_forget_must_exist()
    {
        Assert.Equal([false, true, false], FeatureSplit.MarkRows(3, [1]));
        Refused("index 3 is outside 0 .. 2", () => FeatureSplit.MarkRows(3, [3]));
        Refused("index -1 is outside 0 .. 2", () => FeatureSplit.MarkRows(3, [-1]));
    }

    [Fact]
    public void Training_and_test_features_must_come_from_one_model()
    {
        var narrow = new FeatureSplit(new float[2], 1, [0, 1], 2, new bool[2]);
        var wide = new FeatureSplit(new float[4], 2, [0, 1], 2, new bool[2]);
        var empty = new FeatureSplit([], 1, [], 2, []);
        Refused("training features have 1 columns", () => new EvaluationData(narrow, wide));
        Refused("no training rows", () => new EvaluationData(empty, narrow));
    }

    private static void Refused(string words, Func<object> action)
    {
        var error = Assert.Throws<EscException>(action);
        Assert.Equal(ErrorCode.BadInput, error.Code);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }
}

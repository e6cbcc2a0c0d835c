using EscNative.Unlearning.Statistics;

namespace EscNative.Tests.Metrics;

public sealed class AccuracyTests
{
    [Fact]
    public void The_first_of_equal_logits_is_predicted() =>
        Assert.Equal([1, 0, 2], Accuracy.Predict([1, 3, 3, 2, 2, 2, -3, -2, -1], classes: 3));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_logit_that_is_no_number_is_refused(float bad)
    {
        var error = Assert.Throws<EscException>(() => Accuracy.Predict([0, 1, bad, 0], classes: 2));
        Assert.Equal(ErrorCode.BadInput, error.Code);
        Assert.Contains("row 1, column 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ragged_matrix_is_refused() =>
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => Accuracy.Predict([1, 2, 3], classes: 2)).Code);

    [Fact]
    public void Per_cent_of_hits()
    {
        Assert.Equal(75.0, Accuracy.Percent([0, 1, 2, 2], [0, 1, 2, 0]));
        Assert.Equal(50.0, Accuracy.Percent([0, 1, 2, 2], [0, 1, 2, 0], [true, false, false, true], side: true));
        Assert.Equal(100.0, Accuracy.Percent([0, 1, 2, 2], [0, 1, 2, 0], [true, false, false, true], side: false));
    }

    [Fact]
    public void An_empty_set_has_no_accuracy()
    {
        Assert.Null(Accuracy.Percent([], []));
        Assert.Null(Accuracy.Percent([1], [1], [false], side: true));
        Assert.Empty(Accuracy.Predict([], classes: 4));
    }

    [Fact]
    public void Lengths_must_agree()
    {
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => Accuracy.Percent([1, 2], [1])).Code);
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => Accuracy.Percent([1], [1], [], side: true)).Code);
    }

    [Fact]
    public void Each_class_has_its_accuracy_and_its_row_of_confusions()
    {
        int[] predictions = [0, 1, 1, 2, 0], labels = [0, 0, 1, 2, 2];
        Assert.Equal([50.0, 100.0, 50.0, null], Accuracy.PerClass(predictions, labels, classes: 4));
        var matrix = new ConfusionMatrix(predictions, labels, classes: 4);
        Assert.Equal([1, 1, 0, 0], matrix.Row(0).ToArray());
        Assert.Equal(1, matrix[2, 0]);
        Assert.Equal(0, matrix[3, 3]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void A_label_that_is_no_class_is_refused(int label)
    {
        var error = Assert.Throws<EscException>(() => new ConfusionMatrix([0], [label], classes: 3));
        Assert.Equal(ErrorCode.BadInput, error.Code);
        Assert.Contains($"label {label} of row 0", error.Message, StringComparison.Ordinal);
    }
}

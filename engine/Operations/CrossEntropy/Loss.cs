namespace EscNative.Engine;

/// <summary>How the losses of a batch become one value.</summary>
public enum Reduction
{
    /// <summary>Their mean: the default.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Not at all: one loss a sample, [n].</summary>
    None,
}

/// <summary>Loss functions.</summary>
public static class Loss
{
    /// <summary>-log softmax(logits)[label].</summary>
    /// <param name="logits">[n, classes].</param>
    /// <param name="labels">I32 [n], each 0 .. classes - 1.</param>
    /// <param name="reduction">Mean over the samples, sum, or one loss a sample.</param>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    /// <exception cref="EscException">A label is out of range.</exception>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels, Reduction reduction = Reduction.Mean)
    {
        if (logits.Shape.Rank != 2 || labels.DType != DType.I32 || labels.Shape != new Shape(logits.Shape[0]))
            throw new ShapeException($"CrossEntropy: got logits {logits.Shape} and labels {labels.DType} {labels.Shape}, wants [n, classes] and I32 [n]");
        if (!logits.DType.IsFloat())
            throw new DTypeException($"CrossEntropy: got logits of {logits.DType}, wants a floating type");
        using var scope = Tensor.Scope();
        var (x, y) = (logits.ContiguousData(), labels.ContiguousData());
        var losses = logits.Allocate(logits.Shape[0], "CrossEntropy");
        logits.Backend.CrossEntropy(x, y, losses);
        if (Node.Wanted(logits))
            losses.SetNode(new CrossEntropyNode(logits, x, y));
        return scope.Keep(Reduce(losses, reduction));
    }

    /// <summary>-sum(target log softmax(logits)) for target distributions; a class whose target is 0 adds nothing, whatever its logit.</summary>
    /// <param name="logits">[n, classes].</param>
    /// <param name="targets">[n, classes], floating; rows need not sum to 1.</param>
    /// <param name="reduction">Mean over the samples, sum, or one loss a sample.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor SoftCrossEntropy(Tensor logits, Tensor targets, Reduction reduction = Reduction.Mean)
    {
        if (logits.Shape.Rank != 2 || targets.Shape != logits.Shape)
            throw new ShapeException($"SoftCrossEntropy: got logits {logits.Shape} and targets {targets.Shape}, wants [n, classes] twice");
        using var scope = Tensor.Scope();
        return scope.Keep(Reduce(-Tensor.Weigh(targets, logits.LogSoftmax()).Sum(-1), reduction));
    }

    /// <summary>T² KL(softmax(target / T) || softmax(logits / T)): distillation at temperature T. A class that the teacher rules out adds
    /// nothing, whatever its logit.</summary>
    /// <param name="logits">The student's logits, [n, classes].</param>
    /// <param name="targetLogits">The teacher's logits, [n, classes]; no gradient flows to them.</param>
    /// <param name="temperature">T &gt; 0.</param>
    /// <param name="reduction">Mean over the samples (PyTorch's batchmean), sum, or one loss a sample.</param>
    /// <exception cref="ShapeException">The shapes differ.</exception>
    public static Tensor KlDivergence(
        Tensor logits, Tensor targetLogits, double temperature = 1, Reduction reduction = Reduction.Mean)
    {
        if (logits.Shape.Rank != 2 || targetLogits.Shape != logits.Shape)
            throw new ShapeException($"KlDivergence: got logits {logits.Shape} and targets {targetLogits.Shape}, wants [n, classes] twice");
        if (!(temperature > 0) || !double.IsFinite(temperature))
            throw new UsageException($"KlDivergence: got temperature {temperature}, wants a number above 0");
        using var scope = Tensor.Scope();
        Tensor target;
        using (Tensor.NoGrad())
            target = Tempered(targetLogits, temperature).LogSoftmax();
        var difference = target - Tempered(logits, temperature).LogSoftmax();
        return scope.Keep(Reduce(Tensor.Weigh(target.Exp(), difference).Sum(-1) * (temperature * temperature), reduction));
    }

    // A temperature below 1 may take large logits out of the type's range: the largest, which the softmax does not feel, goes first.
    private static Tensor Tempered(Tensor logits, double temperature) => temperature switch
    {
        1 => logits,
        < 1 when logits.Count > 0 => (logits - logits.Detach().Max(-1, keepDim: true)) / temperature,
        _ => logits / temperature,
    };

    private static Tensor Reduce(Tensor losses, Reduction reduction) => reduction switch
    {
        Reduction.Mean => losses.Mean(),
        Reduction.Sum => losses.Sum(),
        _ => losses,
    };

    private sealed class CrossEntropyNode : Node
    {
        public CrossEntropyNode(Tensor logits, Tensor contiguousLogits, Tensor labels)
            : base(logits.Shape[0], logits) => Save(contiguousLogits, labels);

        public override void Backward(Tensor dy)
        {
            var dx = Saved(0).AllocateLike("CrossEntropy");
            dy.Backend.CrossEntropyBackward(Saved(0), Saved(1), dy.ContiguousData(), dx);
            Send(0, dx);
        }
    }
}

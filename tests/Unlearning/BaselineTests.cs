using EscNative.Engine;
using EscNative.Engine.Optimization;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>What is particular to a baseline: its schedule, its masks, what it chooses.</summary>
public sealed class BaselineTests
{
    [Fact]
    public void The_penalty_of_l1_sparse_falls_linearly_and_reaches_0_at_the_last_boundary()
    {
        Assert.Equal(0.2, L1Sparse.Weight(0.2, 0, 10, 0));
        Assert.Equal(0.1, L1Sparse.Weight(0.2, 5, 10, 0), 15);
        Assert.Equal(0.02, L1Sparse.Weight(0.2, 9, 10, 0), 15);
        Assert.Equal(0, L1Sparse.Weight(0.2, 10, 10, 0));
        // Three epochs at the end without: it reaches 0 as they begin.
        Assert.Equal(0.2 / 7, L1Sparse.Weight(0.2, 6, 10, 3), 15);
        Assert.Equal(0, L1Sparse.Weight(0.2, 7, 10, 3));
    }

    [Fact]
    public void L1_sparse_without_penalty_is_finetune_and_with_it_has_smaller_weights()
    {
        // Fewer than the model has, without what is no parameter.
        const int Parameters = 500;
        var (sparse, plain) = (new L1Sparse(), new FineTune());
        var wanted = Tiny.After(plain, Tiny.Options(plain));
        Assert.Equal(wanted, Tiny.After(sparse, Tiny.Options(sparse, ("epochs-without-penalty", 3))));
        var (small, large) = (Tiny.After(sparse, Tiny.Options(sparse, ("alpha", 0.5))).Take(Parameters).Sum(Math.Abs), wanted.Take(Parameters).Sum(Math.Abs));
        Assert.True(small < 0.8 * large, $"sum of absolute weights {small} against {large}");
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    public void Retrain_gives_the_bits_of_the_trainer_on_the_remaining_data(double crop)
    {
        var method = new Retrain();
        using var model = Tiny.Model();
        Tiny.Run(method, model, Tiny.Options(method, ("crop", crop * 4)));
        using var trained = Tiny.Model(seed: 11);
        var recipe = new TrainOptions { Epochs = 3, BatchSize = 8, CropPadding = (int)(crop * 4), Seed = 11 };
        new Trainer(trained, new DataSet("rest", Tiny.Split.Remain, Tiny.Split.RemainTest.Subset([], "none"), Normalisation.Half), recipe).Run();
        Assert.Equal(Tiny.Values(trained), Tiny.Values(model));
    }

    [Fact]
    public void Ng_stops_at_its_limit_and_says_so()
    {
        var method = new NegativeGradient();
        using var model = Tiny.Model();
        var result = Tiny.Run(method, model, Tiny.Options(method, ("batch", 2), ("max-steps", 4)));
        Assert.Equal(4, result.Steps);
        Assert.Contains(result.Notes, n => n.Contains("step 4", StringComparison.Ordinal) && n.Contains("epoch 2 of 3", StringComparison.Ordinal));
        Assert.Equal(UnlearningOutcome.Completed, result.Outcome);
    }

    [Theory]
    [InlineData(0, 0.25)]
    [InlineData(0, 0.5)]
    [InlineData(1, 0.5)]
    public void SalUn_moves_the_most_salient_weights_only_and_keeps_the_bits_of_the_others(int joint, double ratio)
    {
        var method = new SalUn();
        using var model = Tiny.Model();
        using var original = Tiny.Model();
        Tiny.Run(method, model, Tiny.Options(method, ("ratio", ratio), ("joint", joint), ("weight-decay", 0.1), ("learning-rate", 0.1)));
        var saliency = Saliency(original);
        var (before, after) = (Values(original), Values(model));
        var order = Enumerable.Range(0, before.Length).OrderByDescending(i => saliency[i]).ToArray();
        var count = (int)(ratio * before.Length);
        var threshold = saliency[order[count - 1]];
        var moved = 0;
        for (var i = 0; i < before.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(before[i]) != BitConverter.SingleToInt32Bits(after[i]))
            {
                moved++;
                Assert.True(saliency[i] >= threshold * 0.999, $"weight {i} moved with saliency {saliency[i]}, the threshold is {threshold}");
            }
        }

        Assert.InRange(moved, (int)(0.95 * count), count);
    }

    [Fact]
    public void SalUn_equals_the_correction_that_puts_weights_back_and_masks_the_momentum()
    {
        var method = new SalUn();
        var options = Tiny.Options(method, ("weight-decay", 0.05), ("learning-rate", 0.05));
        using var model = Tiny.Model();
        Tiny.Run(method, model, options);

        using var other = Tiny.Model();
        var start = Values(other);
        var mask = Mask(Saliency(other), 0.5);
        other.Training = true;
        using var optimizer = new Sgd(other.Parameters, 0.05, 0.9, 0.05);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            var random = new RandomSource(11, TrainingStreams.Of(TrainingStreams.Labels, epoch));
            int[] labels = [.. Enumerable.Range(0, 6).Select(_ => random.NextInt(4))];
            foreach (var batch in Loader(Tiny.Split.Forget, TrainingStreams.Forget).Epoch(epoch))
                Step(batch, [.. batch.Indices.ToArray().Select(i => labels[i])]);
            foreach (var batch in Loader(Tiny.Split.Remain, TrainingStreams.Remain).Epoch(epoch))
                Step(batch, batch.Labels.ToArray<int>());
        }

        var (wanted, got) = (Values(other), Values(model));
        for (var i = 0; i < wanted.Length; i++)
        {
            // The three epochs move weights by up to 0.4 and magnify the rounding of the first step; a wrong mask is off by some 0.1.
            Assert.Equal(wanted[i], got[i], 1e-4f);
        }

        void Step(Batch batch, int[] labels)
        {
            using var scope = Tensor.Scope();
            using var gradients = Loss.CrossEntropy(other.Forward(batch.Images), Tensor.From(labels, labels.Length)).Backward();
            using var noGrad = Tensor.NoGrad();
            var at = 0;
            foreach (var parameter in other.Parameters)
            {
                var m = Tensor.From(mask.AsSpan(at, (int)parameter.Shape.Count), parameter.Shape);
                gradients[parameter].Assign(gradients[parameter] * m);
                at += (int)parameter.Shape.Count;
            }

            optimizer.Step(gradients);
            at = 0;
            foreach (var (parameter, velocity) in other.Parameters.Zip(optimizer.State))
            {
                var (values, speeds) = (parameter.Value.ToArray(), velocity.ToArray());
                for (var i = 0; i < values.Length; i++, at++)
                    (values[i], speeds[i]) = mask[at] == 0 ? (start[at], 0) : (values[i], speeds[i]);
                parameter.Value.CopyFrom<float>(values);
                velocity.CopyFrom<float>(speeds);
            }
        }
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(0, null)]
    public void Scrub_rewinds_to_the_epoch_that_errs_as_the_last_one_does_on_held_out_images(int heldOutClass, int? epoch)
    {
        // It forgets the class in its third epoch and nothing else. Held-out images of that class are then all wrong, and the first epoch
        // as bad on D_f is taken. How those of another class fare, and so which epoch is taken, follows from the processor's rounding.
        var method = new Scrub();
        (string, double)[] strong = [("epochs", 4), ("max-epochs", 4), ("learning-rate", 0.03), ("gamma", 1), ("alpha", 0), ("temperature", 1)];
        var right = Tiny.Split.Forget;
        var some = SmallImages.Set(40, 21);
        var heldOut = some.Subset([.. Enumerable.Range(0, some.Count).Where(i => some.Label(i) == heldOutClass)], "held out");
        var errors = new List<double>();
        var values = new List<float[]>();
        double wanted = 0;
        for (var epochs = 1; epochs <= 4; epochs++)
        {
            using var prefix = TrainedStripes.Model();
            Tiny.Run(method, prefix, Tiny.Options(method, [.. strong, ("epochs", epochs), ("rewind", 0)]));
            errors.Add(100 - FeatureBank.Extract(prefix, right).Accuracy);
            wanted = 100 - FeatureBank.Extract(prefix, heldOut).Accuracy;
            values.Add(Tiny.Values(prefix));
        }

        using var model = TrainedStripes.Model();
        var context = new UnlearningContext(model, right, Tiny.Options(method, strong), Tiny.Split.Remain) { HeldOut = heldOut };
        var result = method.Run(context);
        var chosen = errors.IndexOf(errors.MinBy(e => Math.Abs(e - wanted)));
        Assert.True(epoch is null || chosen + 1 == epoch, $"errors {string.Join(", ", errors)} and {wanted} choose epoch {chosen + 1}, not {epoch}");
        Assert.Equal(values[chosen], Tiny.Values(model));
        Assert.Contains(result.Notes, n => n.StartsWith($"rewound to epoch {chosen + 1} of 4", StringComparison.Ordinal));
        Assert.False(model.Training);
    }

    [Fact]
    public void Scrub_says_when_there_is_nothing_to_rewind_by()
    {
        var method = new Scrub();
        using var model = Tiny.Model();
        var result = method.Run(new UnlearningContext(model, Tiny.Split.Forget, Tiny.Options(method), Tiny.Split.Remain));
        Assert.Contains(result.Notes, n => n.StartsWith("not rewound", StringComparison.Ordinal));
        Assert.Equal(Tiny.After(method, Tiny.Options(method, ("rewind", 0))), Tiny.Values(model));
    }

    [Fact]
    public void The_learning_rate_of_scrub_falls_after_its_epochs()
    {
        // With a fall to 0 after epoch 1 nothing moves from epoch 2 on but the running statistics.
        var method = new Scrub();
        var one = Tiny.Options(method, ("epochs", 1), ("rewind", 0));
        var three = Tiny.Options(method, ("epochs", 3), ("decay-epoch-1", 1), ("decay", 0), ("rewind", 0));
        using var model = Tiny.Model();
        var parameters = (int)model.ParameterCount;
        Assert.Equal(Tiny.After(method, one).Take(parameters), Tiny.After(method, three).Take(parameters));
        var later = Tiny.Options(method, ("epochs", 3), ("decay-epoch-1", 2), ("decay", 0), ("rewind", 0));
        Assert.NotEqual(Tiny.After(method, one).Take(parameters), Tiny.After(method, later).Take(parameters));
    }

    [Fact]
    public void A_frozen_model_gives_scores_but_its_parameters_take_no_gradient()
    {
        using var model = Tiny.Model();
        using var scope = Tensor.Scope();
        var x = Tensor.Ones((2, 32, 32, 3)).RequireGradient();
        using var free = model.Forward(x).Sum().Backward();
        var (count, slope) = (free.Count, free[x].ToArray());
        Assert.Equal(model.Parameters.Count() + 1, count);
        model.Freeze();
        using var frozen = model.Forward(x).Sum().Backward();
        Assert.Equal(1, frozen.Count);
        Assert.Equal(slope, frozen[x].ToArray());
    }

    [Fact]
    public void Joined_subsets_keep_ids_and_joined_sets_copy_their_images()
    {
        var (forget, remain) = (Tiny.Split.Forget, Tiny.Split.Remain);
        var both = forget.Join(remain, "both");
        Assert.Equal(24, both.Count);
        Assert.Equal(forget.Id(3), both.Id(3));
        Assert.Equal(remain.Id(5), both.Id(forget.Count + 5));
        Assert.True(remain.Pixels(5).SequenceEqual(both.Pixels(forget.Count + 5)));
        var other = SmallImages.Set(5, 77);
        var joined = forget.Join(other, "two stores");
        Assert.True(forget.Pixels(2).SequenceEqual(joined.Pixels(2)) && other.Pixels(4).SequenceEqual(joined.Pixels(forget.Count + 4)));
        Assert.Equal([.. forget.Labels(), .. other.Labels()], joined.Labels());
        Assert.Throws<UsageException>(() => forget.Join(other.Fit(40, 40, 3), "sizes"));
    }

    /// <summary>|sum of the gradients over the batches of D_f|, in evaluation mode: of one batch here.</summary>
    private static float[] Saliency(Classifier model)
    {
        model.Training = false;
        using var scope = Tensor.Scope();
        float[] sums = [];
        foreach (var batch in Loader(Tiny.Split.Forget, TrainingStreams.Forget).Epoch())
        {
            using var gradients = Loss.CrossEntropy(model.Forward(batch.Images), batch.Labels).Backward();
            sums = [.. model.Parameters.SelectMany(p => gradients[p].ToArray()).Select(Math.Abs)];
        }

        return sums;
    }

    private static float[] Mask(float[] saliency, double ratio)
    {
        var mask = new float[saliency.Length];
        foreach (var i in Enumerable.Range(0, mask.Length).OrderByDescending(i => saliency[i]).Take((int)(ratio * mask.Length)))
            mask[i] = 1;
        return mask;
    }

    private static BatchLoader Loader(ImageSet images, ulong purpose)
    {
        var random = new RandomSource(11, TrainingStreams.Of(purpose, 0));
        return new BatchLoader(images, Normalisation.Half, new BatchOptions
        {
            BatchSize = 8,
            Shuffle = true,
            Augmentation = Augmentation.Flip,
            Seed = ((ulong)random.NextBits() << 32) | random.NextBits(),
        });
    }

    private static float[] Values(Classifier model) => [.. model.Parameters.SelectMany(p => p.Value.ToArray())];
}

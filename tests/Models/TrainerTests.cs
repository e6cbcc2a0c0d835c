using EscNative.Engine.Formats;
using EscNative.Kernels.Cpu;
using EscNative.Models;

namespace EscNative.Tests.Models;

public sealed class TrainerTests
{
    private static readonly TrainOptions Recipe = new() { Epochs = 2, BatchSize = 16, LearningRate = 0.05, CropPadding = 2, Seed = 9 };

    [Fact]
    public void A_small_network_learns_stripes()
    {
        using var model = SmallImages.Model();
        var history = new Trainer(model, SmallImages.Data(), Recipe with { Epochs = 4 }).Run();
        Assert.Equal(4, history.Count);
        Assert.True(history[^1].Loss < history[0].Loss / 2, $"losses {string.Join(", ", history.Select(h => h.Loss))}");
        Assert.True(history[^1].TestAccuracy >= 90, $"test accuracy {history[^1].TestAccuracy}");
    }

    [Fact]
    public void Results_are_equal_bit_for_bit_for_any_number_of_threads_and_every_run()
    {
        var expected = Train(1);
        Assert.Equal(expected, Train(1));
        Assert.Equal(expected, Train(2));
        Assert.Equal(expected, Train(3));
    }

    [Fact]
    public void A_resumed_run_gives_the_bits_of_an_uninterrupted_one()
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.safetensors"];
        using var whole = SmallImages.Model();
        new Trainer(whole, SmallImages.Data(), Recipe).Run();
        using (var first = SmallImages.Model())
            new Trainer(first, SmallImages.Data(), Recipe with { CheckpointPath = path, StopAfter = 1 }).Run();
        // Another seed: everything must come from the checkpoint.
        using var second = SmallImages.Model(seed: 77);
        var history = new Trainer(second, SmallImages.Data(), Recipe with { CheckpointPath = path, Resume = true }).Run();
        Assert.Equal(2, history.Count);
        Assert.Equal(Values(whole), Values(second));
    }

    [Fact]
    public void A_cancelled_run_leaves_the_last_whole_epoch_in_the_checkpoint()
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.safetensors"];
        using var cancel = new CancellationTokenSource();
        using var model = SmallImages.Model();
        var trainer = new Trainer(model, SmallImages.Data(), Recipe with { CheckpointPath = path });
        var progress = new Synchronous<TrainProgress>(p =>
        {
            if (p is { Epoch: 1, Step: 2 })
                cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => trainer.Run(progress, cancel.Token));
        using var resumed = SmallImages.Model();
        var again = new Trainer(resumed, SmallImages.Data(), Recipe with { CheckpointPath = path, Resume = true });
        Assert.Equal(2, again.Run().Count);
        using var whole = SmallImages.Model();
        new Trainer(whole, SmallImages.Data(), Recipe).Run();
        Assert.Equal(Values(whole), Values(resumed));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_checkpoint_of_another_recipe_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder["run.safetensors"];
        using var model = SmallImages.Model();
        new Trainer(model, SmallImages.Data(), Recipe with { CheckpointPath = path, StopAfter = 1 }).Run();
        var other = new Trainer(model, SmallImages.Data(), Recipe with { CheckpointPath = path, Resume = true, Seed = 10 });
        var error = Assert.Throws<DataFormatException>(() => other.Run());
        Assert.Contains("another run", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_diverging_run_ends_with_the_step_in_the_message()
    {
        using var model = SmallImages.Model();
        var trainer = new Trainer(model, SmallImages.Data(), Recipe with { LearningRate = 1e30 });
        var error = Assert.Throws<EscException>(() => trainer.Run());
        Assert.Equal(ErrorCode.BadInput, error.Code);
        Assert.Contains("step", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 16, 0.1, "epochs")]
    [InlineData(1, 1, 0.1, "batch")]
    [InlineData(1, 16, -1, "learning-rate")]
    [InlineData(1, 16, double.NaN, "learning-rate")]
    [InlineData(1, 16, 0.1, "momentum-swing", 0.1)]
    public void A_recipe_that_makes_no_sense_is_refused(int epochs, int batch, double rate, string option, double swing = 0.05)
    {
        using var model = SmallImages.Model();
        var trainer = new Trainer(model, SmallImages.Data(), new TrainOptions { Epochs = epochs, BatchSize = batch, LearningRate = rate, MomentumSwing = swing });
        Assert.StartsWith(option, Assert.Throws<UsageException>(() => trainer.Run()).Message, StringComparison.Ordinal);
    }

    private static float[] Train(int threads)
    {
        var before = CpuParallel.Threads;
        CpuParallel.Threads = threads;
        try
        {
            using var model = SmallImages.Model();
            new Trainer(model, SmallImages.Data(), Recipe).Run();
            return Values(model);
        }
        finally
        {
            CpuParallel.Threads = before;
        }
    }

    private static float[] Values(Classifier model) =>
        [.. model.NamedParameters.SelectMany(p => p.Parameter.Value.ToArray()).Concat(model.NamedBuffers.SelectMany(b => b.Buffer.ToArray()))];

    private sealed class Synchronous<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}

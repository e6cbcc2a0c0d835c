using EscNative.Engine;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Tests.Cuda;

namespace EscNative.Tests.Models;

/// <summary>A change of a model that fails leaves the model as it was.</summary>
public sealed class ClassifierErasureTests
{
    private const int Width = 24;
    private const int OutOfMemory = 2;

    [Fact]
    public void An_erasure_of_another_width_changes_nothing()
    {
        using var model = SmallImages.Model();
        model.Training = false;
        model.Erase(Axis(0));
        var (before, operation) = (Answer(model), model.Erasure);
        foreach (var change in (Action[])[
            () => model.Erase(new ErasureOperator(Width + 1)), () => model.SetErasure(new ErasureOperator(Width + 1)),
            () => model.SetErasure(new ErasureOperator(Width - 1, ErasureFactor.Projection(Column(Width - 1, 0), Width - 1)))])
        {
            var error = Assert.Throws<ShapeException>(change);
            Assert.Contains("width", error.Message, StringComparison.Ordinal);
            Assert.Same(operation, model.Erasure);
            Assert.Equal(before, Answer(model));
        }
    }

    [Fact]
    public void An_erasure_for_which_there_is_no_memory_changes_nothing()
    {
        using var faulty = FaultDevice.OrSkip();
        using var model = SmallImages.Model(faulty.Device);
        model.Training = false;
        model.Erase(Axis(0));
        var (before, operation) = (Answer(model), model.Erasure);
        var oblique = new ErasureOperator(
            Width, ErasureFactor.Oblique(Column(Width, 1), Column(Width, 2), Width, new double[Width]), ErasureFactor.Projection(Column(Width, 3), Width));
        for (var n = 1; n <= 4; n++)
        {
            // Blocks of a size that nobody gave back yet are asked from the driver.
            faulty.Device.Trim();
            var live = faulty.Device.Memory;
            EmulatorApi.Fail("cuMemAlloc", n, OutOfMemory);
            EmulatorApi.Fail("cuMemAlloc", n + 1, OutOfMemory);
            Assert.Throws<DeviceOutOfMemoryException>(() => model.SetErasure(oblique));
            EmulatorApi.Reset();
            Assert.Equal((live.Live, live.LiveTensors), (faulty.Device.Memory.Live, faulty.Device.Memory.LiveTensors));
            Assert.Same(operation, model.Erasure);
            Assert.Equal(before, Answer(model));
        }

        model.SetErasure(oblique);
        Assert.Same(oblique, model.Erasure);
        model.SetErasure(null);
        Assert.Null(model.Erasure);
    }

    [Fact]
    public void A_disposed_model_takes_no_erasure()
    {
        var model = SmallImages.Model();
        model.Erase(Axis(0));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Erase(Axis(1)));
        Assert.Throws<ObjectDisposedException>(() => model.SetErasure(null));
    }

    [Fact]
    public void Values_of_another_model_are_taken_over_whole_or_not_at_all()
    {
        using var faulty = FaultDevice.OrSkip();
        using var source = SmallImages.Model(seed: 5);
        source.Erase(Axis(2));
        using var model = SmallImages.Model(faulty.Device);
        model.Erase(Axis(0));
        var (before, operation) = (Values(model), model.Erasure);
        var failures = 0;
        for (var n = 1; n <= 60; n += 3)
        {
            faulty.Device.Trim();
            var live = faulty.Device.Memory;
            EmulatorApi.Fail("cuMemAlloc", n, OutOfMemory);
            EmulatorApi.Fail("cuMemAlloc", n + 1, OutOfMemory);
            var failure = Record.Exception(() => model.Assign(source));
            EmulatorApi.Reset();
            if (failure is null)
                break;
            failures++;
            Assert.IsType<DeviceOutOfMemoryException>(failure);
            Assert.Equal((live.Live, live.LiveTensors), (faulty.Device.Memory.Live, faulty.Device.Memory.LiveTensors));
            Assert.Same(operation, model.Erasure);
            Assert.Equal(before, Values(model));
        }

        Assert.True(failures >= 5, $"{failures} failures");
        model.Assign(source);
        Assert.Same(source.Erasure, model.Erasure);
        Assert.Equal(Values(source), Values(model));
    }

    [Fact]
    public void A_copy_that_fails_half_way_leaves_nothing_behind()
    {
        using var faulty = FaultDevice.OrSkip();
        using var model = SmallImages.Model(faulty.Device);
        model.Erase(Axis(0));
        var failures = 0;
        for (var n = 1; n <= 160; n += 7)
        {
            faulty.Device.Trim();
            var live = faulty.Device.Memory;
            EmulatorApi.Fail("cuMemAlloc", n, OutOfMemory);
            EmulatorApi.Fail("cuMemAlloc", n + 1, OutOfMemory);
            Classifier? copy = null;
            var failure = Record.Exception(() => copy = model.Copy());
            EmulatorApi.Reset();
            copy?.Dispose();
            if (failure is null)
                break;
            failures++;
            Assert.IsType<DeviceOutOfMemoryException>(failure);
            var after = faulty.Settled();
            Assert.Equal((live.Live, live.LiveTensors), (after.Live, after.LiveTensors));
        }

        Assert.True(failures >= 5, $"{failures} failures");
    }

    private static ErasureOperator Axis(int axis) => new(Width, ErasureFactor.Projection(Column(Width, axis), Width));

    private static double[] Column(int width, int axis)
    {
        var column = new double[width];
        column[axis] = 1;
        return column;
    }

    private static float[] Answer(Classifier model)
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        return model.Features(Tensor.Full((1, 32, 32, 3), 0.5, device: model.Device)).ToArray();
    }

    private static float[] Values(Classifier model) =>
        [.. model.Parameters.SelectMany(p => p.Value.ToArray()), .. model.NamedBuffers.SelectMany(b => b.Buffer.ToArray())];
}

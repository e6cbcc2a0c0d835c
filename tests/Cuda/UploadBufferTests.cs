using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Cuda;

/// <summary>A request's images on their way to the device.</summary>
public sealed class UploadBufferTests
{
    private const int Bytes = 300_000;
    private const int OutOfMemory = 2;
    private const int InvalidValue = 1;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Batches_arrive_as_they_were_gathered_though_their_place_is_filled_again(int batches)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        var target = machine.Allocate<byte>(batches * Bytes);
        using (var buffer = new UploadBuffer(machine.Context, Bytes, batches))
        {
            Assert.True(buffer.IsPinned);
            Assert.Equal(Bytes, buffer.Bytes);
            for (var i = 0; i < batches; i++)
            {
                using var call = KernelCall.Begin();
                var batch = buffer.Next();
                batch.Fill((byte)(i + 1));
                machine.Context.Upload(batch, target + (i * Bytes));
                buffer.HandOver();
            }
        }

        var got = machine.Download<byte>(target, batches * Bytes);
        for (var i = 0; i < batches; i++)
            Assert.True(got.AsSpan(i * Bytes, Bytes).IndexOfAnyExcept((byte)(i + 1)) < 0, $"batch {i} of {batches}");
    }

    [Fact]
    public void A_batch_that_was_issued_but_not_handed_over_outlives_the_buffer()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        var target = machine.Allocate<byte>(Bytes);
        using (var buffer = new UploadBuffer(machine.Context, Bytes))
        {
            using var call = KernelCall.Begin();
            buffer.Next().Fill(9);
            machine.Context.Upload(buffer.Next(), target);
        }

        Assert.True(machine.Download<byte>(target, Bytes).AsSpan().IndexOfAnyExcept((byte)9) < 0);
    }

    [Fact]
    public void Memory_that_cannot_be_pinned_is_as_right()
    {
        using var faulty = FaultDevice.OrSkip();
        EmulatorApi.Fail("cuMemHostAlloc", 2, OutOfMemory);
        using (var buffer = new UploadBuffer(faulty.Context, Bytes))
        {
            Assert.False(buffer.IsPinned);
            Fill(buffer);
        }

        EmulatorApi.Fail("cuMemHostAlloc", 1, InvalidValue);
        Assert.Throws<DeviceException>(() => new UploadBuffer(faulty.Context, Bytes));
        using (var none = new UploadBuffer(null, Bytes))
        {
            Assert.False(none.IsPinned);
            Fill(none);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new UploadBuffer(null, 0));

        static void Fill(UploadBuffer buffer)
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(Bytes, buffer.Next().Length);
                buffer.Next().Fill((byte)i);
                buffer.HandOver();
            }
        }
    }

    [Fact]
    public void A_request_pins_its_images_once_and_all_its_batches_but_the_last_are_whole_chunks()
    {
        const int images = 200;
        using var faulty = FaultDevice.OrSkip();
        using var model = Architectures.Create(
            new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.125), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half },
            3, faulty.Device);
        var forget = SmallImages.Set(images, 5);
        int chunk;
        using (var extractor = CompiledExtractor.Compile(model, 32, 32, new PlanOptions { ImagesPerRun = images }))
            chunk = extractor.Plan.ImagesPerChunk;
        Assert.InRange(chunk, 1, images / 3);
        // Two places are pinned for the request; who asked for a third one would be told.
        EmulatorApi.Fail("cuMemHostAlloc", 3, InvalidValue);
        var counters = faulty.Context.Counters;
        var (graphs, bytes) = (counters.GraphLaunches, counters.BytesToDevice);
        var result = new Esc().Run(new UnlearningContext(model, forget, new UnlearningOptions { Directions = 3 }));
        Assert.Equal(images, result.Images);
        // The first chunk is recorded, the others are played back; a batch with a remainder would be issued step by step.
        Assert.Equal((images / chunk) - 1, counters.GraphLaunches - graphs);
        Assert.InRange(counters.BytesToDevice - bytes, images * 3072, (images * 3072) + (1 << 20));
    }
}

using EscNative.Engine;
using EscNative.Kernels;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Tests.LinearAlgebra;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Cuda;

/// <summary>The whole request on the device: images in, projector out.</summary>
public sealed class EscOnCudaTests
{
    private const int Directions = 3;

    public static TheoryData<string> SolverNames => [.. Solvers.CudaNames];

    [Theory]
    [MemberData(nameof(SolverNames))]
    public void The_device_finds_the_projector_of_the_CPU(string solver)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        // 52 images of one class: batches do not come out even.
        var forget = ForgetSplit.Create(SmallImages.Data(train: 208), ForgetRequest.ForClasses(2)).Forget;
        using var onCpu = Model(Device.Cpu);
        using var onCuda = Model(Device.Cuda());
        var wanted = Run(onCpu, forget, new UnlearningOptions { Directions = Directions });
        var got = Run(onCuda, forget, new UnlearningOptions { Directions = Directions, Solver = solver });

        var d = onCpu.FeatureWidth;
        var distance = Matrices.Distance(
            Matrices.Projector(wanted.Subspace!.Basis, d, Directions, Directions), Matrices.Projector(got.Subspace!.Basis, d, Directions, Directions));
        Assert.True(distance <= 1e-5, $"{solver}: projectors differ by {distance}");
        Assert.Equal((52L, Directions), (got.Subspace.Count, got.Subspace.K));
        for (var j = 0; j < Directions; j++)
            Assert.Equal(1, got.Subspace.SingularValues[j] / wanted.Subspace.SingularValues[j], 1e-5);

        // The erased model on the device has nothing left in those directions.
        var features = FeatureBank.Extract(onCuda, forget).Features;
        for (var row = 0; row < features.Length; row += d)
        {
            for (var k = 0; k < Directions; k++)
                Assert.Equal(0, Enumerable.Range(0, d).Sum(i => features[row + i] * got.Subspace.Basis[(i * Directions) + k]), 1e-4);
        }
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("svd")]
    public void Features_never_cross_to_the_host(string solver)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        var counters = CudaInterop.ContextOf(Device.Cuda())!.Counters;
        // What crosses (folded weights, the spectrum, the directions) does not depend on how many images there are.
        Assert.Equal(BytesToHost(25), BytesToHost(60));

        long BytesToHost(int images)
        {
            using var model = Model(Device.Cuda());
            var before = counters.BytesToHost;
            Run(model, SmallImages.Set(images, 5), new UnlearningOptions { Directions = Directions, Solver = solver });
            return counters.BytesToHost - before;
        }
    }

    [Theory]
    [InlineData("auto", UnlearningMode.Paper, 0)]
    [InlineData("gram-eigen", UnlearningMode.Paper, 1)]
    [InlineData("svd", UnlearningMode.Paper, 0)]
    [InlineData("auto", UnlearningMode.Paper, 3)]
    [InlineData("auto", UnlearningMode.Official, null)]
    public void Nor_do_those_on_which_a_mask_is_trained(string solver, UnlearningMode mode, int? augmentation)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        var counters = CudaInterop.ContextOf(Device.Cuda())!.Counters;
        Assert.Equal(BytesToHost(25), BytesToHost(60));

        long BytesToHost(int images)
        {
            using var model = Model(Device.Cuda());
            // Every image is predicted as the class that is to be forgotten, and too slow a rate forgets none: as many epochs whatever they are.
            model.Head.Bias!.Value.CopyFrom<float>([0, 0, 3, 0]);
            var forget = ForgetSplit.Create(SmallImages.Data(train: 4 * images), ForgetRequest.ForClasses(2)).Forget;
            var parameters = new Dictionary<string, double> { ["epochs"] = 2, ["learning-rate"] = 1e-6, ["batch"] = 16 };
            if (augmentation is { } changes)
                parameters["augmentation"] = changes;
            var before = counters.BytesToHost;
            var result = new EscT().Run(new UnlearningContext(model, forget, new UnlearningOptions { Solver = solver, Mode = mode, Parameters = parameters }));
            var crossed = counters.BytesToHost - before;
            Assert.Contains(result.Notes, note => note.StartsWith("2 epochs", StringComparison.Ordinal));
            return crossed;
        }
    }

    [Theory]
    [InlineData("auto", UnlearningMode.Paper, 0)]
    [InlineData("svd", UnlearningMode.Paper, 1)]
    [InlineData("gram-eigen", UnlearningMode.Paper, 2)]
    [InlineData("auto", UnlearningMode.Official, null)]
    public void The_mask_that_is_trained_there_erases_what_that_of_the_CPU_does(string solver, UnlearningMode mode, int? augmentation)
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        var forget = ForgetSplit.Create(SmallImages.Data(train: 208), ForgetRequest.ForClasses(2)).Forget;
        var parameters = new Dictionary<string, double> { ["epochs"] = 2, ["learning-rate"] = 1, ["batch"] = 16 };
        if (augmentation is { } changes)
            parameters["augmentation"] = changes;
        var options = new UnlearningOptions { Solver = solver, Mode = mode, OfficialAugmentation = true, Parameters = parameters };
        using var onCpu = Model(Device.Cpu);
        using var onCuda = Model(Device.Cuda());
        foreach (var model in (Classifier[])[onCpu, onCuda])
        {
            model.Head.Bias!.Value.CopyFrom<float>([0, 0, 3, 0]);
            new EscT().Run(new UnlearningContext(model, forget, options));
        }

        double[] wanted = onCpu.Erasure!.ToDense(), got = onCuda.Erasure!.ToDense();
        Assert.All(wanted.Zip(got), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    [Fact]
    public void Official_mode_runs_on_the_device_too()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        var forget = ForgetSplit.Create(SmallImages.Data(train: 48), ForgetRequest.ForClasses(1)).Forget;
        var options = new UnlearningOptions { Directions = Directions, Mode = UnlearningMode.Official, OfficialAugmentation = false, BatchSize = 5 };
        using var onCpu = Model(Device.Cpu);
        using var onCuda = Model(Device.Cuda());
        var (wanted, got) = (Run(onCpu, forget, options), Run(onCuda, forget, options));
        var d = onCpu.FeatureWidth;
        var distance = Matrices.Distance(
            Matrices.Projector(wanted.Subspace!.Basis, d, Directions, Directions), Matrices.Projector(got.Subspace!.Basis, d, Directions, Directions));
        // Batches of five and of two: their variance is that of a few pixels, and rounding shows more.
        Assert.True(distance <= 1e-4, $"projectors differ by {distance}");
    }

    [Fact]
    public void Only_tensors_of_a_GPU_have_a_device_address()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0], isKeeper: true);
        using var here = Tensor.Ones(new Shape(2, 3), device: Device.Cpu);
        Assert.Throws<UsageException>(() => CudaInterop.AddressOf(here));
        Assert.Null(CudaInterop.ContextOf(Device.Cpu));
        using var there = Tensor.Ones(new Shape(2, 3), device: Device.Cuda());
        Assert.Throws<InvalidOperationException>(() => CudaInterop.AddressOf(there));
        using var call = KernelCall.Begin();
        Assert.NotEqual(0, CudaInterop.AddressOf(there));
        using var strided = there.Transpose();
        Assert.Throws<UsageException>(() => CudaInterop.AddressOf(strided));
        Assert.Equal("cuda:0", CudaInterop.ContextOf(there.Device)!.ToString());
    }

    private static Classifier Model(Device device) => Architectures.Create(
        new ModelDescription { Hyperparameters = new AllCnnHyperparameters(0.125), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half }, 3, device);

    private static UnlearningResult Run(Classifier model, ImageSet forget, UnlearningOptions options) =>
        new Esc().Run(new UnlearningContext(model, forget, options));
}

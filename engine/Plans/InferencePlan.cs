using EscNative.Kernels;

namespace EscNative.Engine.Plans;

/// <summary>A network compiled for inference: batch norm folded, epilogues fused, memory laid out once.</summary>
/// <remarks>
/// Immutable and safe for any number of callers at once, each of which runs in memory of its own that is kept for the next run:
/// in its steady state a run allocates nothing. Results are equal bit for bit for any number of threads, callers, images in a call
/// and images in a chunk.
/// </remarks>
public sealed class InferencePlan : IDisposable
{
    internal const int MostOutputs = 2;

    private readonly PlanProgram _program;

    internal InferencePlan(PlanGraph graph, Device device, PlanOptions options)
    {
        options.Validate();
        var table = options.ByteTable;
        if (!table.IsEmpty && table.Length != 256 * graph.Input.Channels)
            throw new ShapeException($"plan: got a byte table of {table.Length} numbers, wants 256 for each of {graph.Input.Channels} channels");
        Device = device;
        InputShape = graph.Input.Shape;
        OutputShapes = [.. graph.Outputs.Select(o => o.Shape)];
        _program = PlanProgram.Of(graph, options, device.Backend);
        Steps = graph.Describe(_program.AlgorithmOf);
    }

    /// <summary>Where the plan runs.</summary>
    public Device Device { get; }

    /// <summary>The shape of one image.</summary>
    public Shape InputShape { get; }

    /// <summary>The shape of each output for one image.</summary>
    public IReadOnlyList<Shape> OutputShapes { get; }

    /// <summary>The steps in the order in which they run.</summary>
    public IReadOnlyList<PlanStepInfo> Steps { get; }

    /// <summary>Images that one thread, or the GPU, takes through the network at a time, where there are so many; a GPU out of memory takes fewer.</summary>
    public int ImagesPerChunk => _program.ImagesPerChunk;

    /// <summary>Bytes of working memory of one thread of one caller.</summary>
    public long ArenaBytes => _program.ArenaBytes;

    /// <summary>Compiles a module.</summary>
    /// <param name="module">The network; it computes as in evaluation mode, whatever mode it is in. Later changes of its weights do
    /// not reach the plan.</param>
    /// <param name="image">The shape of one image, [h, w, c], [t, d] or [d].</param>
    /// <param name="device">Where the plan runs, or null for <see cref="Device.Default"/>.</param>
    /// <param name="options">How, or null for the defaults.</param>
    /// <exception cref="ShapeException">The module cannot take such images.</exception>
    /// <exception cref="UsageException">A module does not say how it is lowered, or an option makes no sense.</exception>
    public static InferencePlan Compile(ILowerable module, Shape image, Device? device = null, PlanOptions? options = null)
    {
        var builder = new PlanBuilder(module, image);
        return builder.Compile(device ?? Device.Default, options, module.Lower(builder, builder.Input));
    }

    /// <summary>Runs the plan up to its first output.</summary>
    /// <param name="images">n images, contiguous.</param>
    /// <param name="output">Receives n results.</param>
    /// <exception cref="ShapeException">The lengths belong to no whole number of images, or to different ones.</exception>
    /// <exception cref="UsageException">The images and the output share memory.</exception>
    public void Run(ReadOnlySpan<float> images, Span<float> output) => Run(images, [], output, default, both: false);

    /// <summary>Runs a plan of two outputs.</summary>
    /// <param name="images">n images, contiguous.</param>
    /// <param name="first">Receives n results of the first output.</param>
    /// <param name="second">Receives n results of the second output.</param>
    /// <exception cref="ShapeException">The lengths belong to no whole number of images, or to different ones.</exception>
    /// <exception cref="UsageException">The plan has one output.</exception>
    public void Run(ReadOnlySpan<float> images, Span<float> first, Span<float> second) => Run(images, [], first, second, both: true);

    /// <summary>Runs the plan up to its first output on images of bytes, which the plan's table turns into numbers.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, Span{float})"/>
    /// <exception cref="UsageException">The plan was compiled without a table.</exception>
    public void Run(ReadOnlySpan<byte> images, Span<float> output) => Run([], images, output, default, both: false);

    /// <summary>Runs a plan of two outputs on images of bytes, which the plan's table turns into numbers.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, Span{float}, Span{float})"/>
    public void Run(ReadOnlySpan<byte> images, Span<float> first, Span<float> second) => Run([], images, first, second, both: true);

    /// <summary>Runs the plan on images of bytes; the outputs stay on the plan's device.</summary>
    /// <param name="images">n images on the host, contiguous.</param>
    /// <param name="first">Receives n results of the first output, F32, contiguous, on the plan's device.</param>
    /// <param name="second">Receives n results of the second output, or null.</param>
    /// <exception cref="ShapeException">A length belongs to no whole number of images, or to different ones.</exception>
    /// <exception cref="DTypeException">An output is not F32, or is on another device.</exception>
    /// <exception cref="UsageException">The plan was compiled without a table, or has one output and room for two was given.</exception>
    public void Run(ReadOnlySpan<byte> images, Tensor first, Tensor? second = null)
    {
        unsafe
        {
            fixed (byte* bytes = images)
                Run(new PlanCall { Bytes = bytes }, images.Length, first, second);
        }
    }

    /// <summary>Runs the plan on images that lie on its device; the outputs stay there.</summary>
    /// <param name="images">n images, F32, or U8 for the plan's table; contiguous.</param>
    /// <inheritdoc cref="Run(ReadOnlySpan{byte}, Tensor, Tensor)"/>
    public unsafe void Run(Tensor images, Tensor first, Tensor? second = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Device != Device || images.DType is not (DType.F32 or DType.U8) || !images.IsContiguous)
            throw new DTypeException($"plan: got images {images}, wants F32 or U8, contiguous, on {Device}");
        using var kernels = KernelCall.Begin();
        var call = new PlanCall { ImagesOnDevice = true };
        if (images.DType == DType.F32)
            call.Floats = images.PointerTo<float>();
        else
            call.Bytes = images.PointerTo<byte>();
        Run(call, images.Count, first, second);
    }

    /// <summary>Runs the plan step by step and measures each; slower than a run, since every step waits for the one before.</summary>
    /// <param name="images">n images, contiguous.</param>
    /// <param name="output">Receives n results of the first output.</param>
    /// <param name="seconds">Receives the time of each step; added to what it holds.</param>
    /// <exception cref="ShapeException">A length does not fit.</exception>
    public void Profile(ReadOnlySpan<float> images, Span<float> output, Span<double> seconds)
    {
        if (seconds.Length != Steps.Count)
            throw new ShapeException($"plan: got room for {seconds.Length} times, the plan has {Steps.Count} steps");
        Run(images, [], output, default, both: false, seconds);
    }

    /// <summary>Frees the weights and the working memory. No run may be under way.</summary>
    public void Dispose() => _program.Dispose();

    private unsafe void Run(
        ReadOnlySpan<float> floats, ReadOnlySpan<byte> bytes, Span<float> first, Span<float> second, bool both, Span<double> seconds = default)
    {
        var length = floats.IsEmpty ? bytes.Length : floats.Length;
        var n = CountImages(length);
        if (both && OutputShapes.Count < 2)
            throw new UsageException("plan: got room for two outputs, the plan has one");
        CheckOutput(first.Length, n, 0);
        if (both)
            CheckOutput(second.Length, n, 1);
        if (n == 0)
            return;
        fixed (float* x = floats, y0 = first, y1 = second)
        fixed (byte* b = bytes)
        fixed (double* times = seconds)
        {
            var call = new PlanCall { Images = n, Floats = x, Bytes = b, First = y0, Second = y1, OutputMask = both ? 3 : 1, Seconds = times };
            CheckApart(call);
            _program.Run(call);
        }
    }

    private unsafe void Run(PlanCall call, long length, Tensor first, Tensor? second)
    {
        ArgumentNullException.ThrowIfNull(first);
        call.Images = CountImages(length);
        if (second is not null && OutputShapes.Count < 2)
            throw new UsageException("plan: got room for two outputs, the plan has one");
        using var kernels = KernelCall.Begin();
        (call.OnDevice, call.OutputMask) = (true, second is null ? 1 : 3);
        call.First = Pointer(first, 0);
        call.Second = second is null ? null : Pointer(second, 1);
        if (call.Images > 0)
        {
            CheckApart(call);
            _program.Run(call);
        }

        float* Pointer(Tensor output, int index)
        {
            if (output.Device != Device || output.DType != DType.F32 || !output.IsContiguous)
                throw new DTypeException($"plan: got output {output}, wants F32, contiguous, on {Device}");
            CheckOutput(output.Count, call.Images, index);
            return output.PointerTo<float>();
        }
    }

    // Results of the first images are written while the last ones are still to be read.
    private unsafe void CheckApart(in PlanCall call)
    {
        var images = Range(call.Floats == null ? call.Bytes : call.Floats, InputShape.Count * (call.Floats == null ? 1 : sizeof(float)), call.Images);
        var first = Range(call.First, OutputShapes[0].Count * sizeof(float), call.Images);
        var second = call.Second == null ? default : Range(call.Second, OutputShapes[1].Count * sizeof(float), call.Images);
        if ((call.ImagesOnDevice == call.OnDevice && (Share(images, first) || Share(images, second))) || Share(first, second))
            throw new UsageException("plan: the images and the results share memory, or two results do; give each memory of its own");

        static (nuint Start, nuint End) Range(void* start, long size, int images) => ((nuint)start, (nuint)start + ((nuint)size * (nuint)images));

        static bool Share((nuint Start, nuint End) a, (nuint Start, nuint End) b) => a.Start < b.End && b.Start < a.End;
    }

    private int CountImages(long length)
    {
        var n = checked((int)(length / InputShape.Count));
        return n * InputShape.Count == length ? n : throw new ShapeException($"plan: got {length} values, wants whole images of {InputShape}");
    }

    private void CheckOutput(long length, int n, int index)
    {
        if (length != n * OutputShapes[index].Count)
            throw new ShapeException($"plan: got room for {length} values of output {index}, wants {n} images of {OutputShapes[index]}");
    }
}

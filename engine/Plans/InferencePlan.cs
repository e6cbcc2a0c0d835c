using EscNative.Engine.Layers;

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
        if (options.ImagesPerChunk is < 0 or > 1 << 16)
            throw new UsageException($"plan: got {options.ImagesPerChunk} images a chunk, wants 0 (choose) to {1 << 16}");
        var table = options.ByteTable;
        if (!table.IsEmpty && table.Length != 256 * graph.Input.Channels)
            throw new ShapeException($"plan: got a byte table of {table.Length} numbers, wants 256 for each of {graph.Input.Channels} channels");
        Device = device;
        InputShape = graph.Input.Shape;
        OutputShapes = [.. graph.Outputs.Select(o => o.Shape)];
        _program = device.Backend.Compile(graph, options);
        Steps = graph.Describe(_program.AlgorithmOf);
    }

    /// <summary>Where the plan runs.</summary>
    public Device Device { get; }

    /// <summary>The shape of one image.</summary>
    public Shape InputShape { get; }

    /// <summary>The shape of each output for one image.</summary>
    public IReadOnlyList<Shape> OutputShapes { get; }

    /// <summary>The steps in the order in which they run.</summary>
    public IReadOnlyList<PlanStep> Steps { get; }

    /// <summary>Images that one thread takes through the network at a time.</summary>
    public int ImagesPerChunk => _program.ImagesPerChunk;

    /// <summary>Bytes of working memory of one thread of one caller.</summary>
    public long ArenaBytes => _program.ArenaBytes;

    /// <summary>Compiles a module.</summary>
    /// <param name="module">The network; it computes as in evaluation mode, whatever mode it is in. Later changes of its weights do
    /// not reach the plan.</param>
    /// <param name="image">The shape of one image, [h, w, c], [t, d] or [d].</param>
    /// <param name="device">Where the plan runs, or null for the CPU.</param>
    /// <param name="options">How, or null for the defaults.</param>
    /// <exception cref="ShapeException">The module cannot take such images.</exception>
    /// <exception cref="UsageException">A module has no <see cref="Module.Lower"/>, or an option makes no sense.</exception>
    public static InferencePlan Compile(Module module, Shape image, Device? device = null, PlanOptions? options = null)
    {
        var builder = new PlanBuilder(module, image);
        return builder.Compile(device ?? Device.Cpu, options, module.Lower(builder, builder.Input));
    }

    /// <summary>Runs the plan up to its first output.</summary>
    /// <param name="images">n images, contiguous.</param>
    /// <param name="output">Receives n results.</param>
    /// <exception cref="ShapeException">The lengths belong to no whole number of images, or to different ones.</exception>
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
        var n = (int)(length / InputShape.Count);
        if (n * InputShape.Count != length)
            throw new ShapeException($"plan: got {length} values, wants whole images of {InputShape}");
        if (both && OutputShapes.Count < 2)
            throw new UsageException("plan: got room for two outputs, the plan has one");
        CheckOutput(first, n, 0);
        if (both)
            CheckOutput(second, n, 1);
        if (n == 0)
            return;
        fixed (float* x = floats, y0 = first, y1 = second)
        fixed (byte* b = bytes)
        fixed (double* times = seconds)
            _program.Run(new PlanCall { Images = n, Floats = x, Bytes = b, First = y0, Second = y1, OutputMask = both ? 3 : 1, Seconds = times });
    }

    private void CheckOutput(Span<float> output, int n, int index)
    {
        if (output.Length != n * OutputShapes[index].Count)
            throw new ShapeException($"plan: got room for {output.Length} values of output {index}, wants {n} images of {OutputShapes[index]}");
    }
}

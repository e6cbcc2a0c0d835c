namespace EscNative.Kernels.Cuda;

/// <summary>A row of the table of product kernels: a kernel, what it can do and what it is predicted to take.</summary>
/// <param name="Pass">What it computes.</param>
/// <param name="Name">The kernel without the ending of its type; <c>xx</c> stands for the layout of a matrix product (nn, nt, tn, tt).</param>
/// <param name="Rows">Rows of the result that a block computes.</param>
/// <param name="Columns">Columns of the result that a block computes.</param>
/// <param name="StepInstructions">Instructions of a warp in a step of 16 products along k: those that multiply, and the loads, addresses and
/// barriers beside them.</param>
/// <param name="Resident">Blocks that a multiprocessor holds at least: 65,536 registers by 256 threads of 128 or 80 registers (the kernels' launch
/// bounds and budgets); shared memory would allow as many.</param>
/// <param name="Types">The types that it exists for.</param>
internal sealed record ProductVariant(
    ProductPass Pass, string Name, int Rows, int Columns, int StepInstructions, int Resident, params DType[] Types)
{
    // Products along k of a step, in F32 and BF16.
    private const int StepDepth = 16;

    // Windows and weights that do not begin at every 16 bytes (three channels) are loaded value by value: some 600 instructions a step.
    private const int ValuesOfAChunk = 4;
    private const int ByValueInstructions = 600;

    /// <summary>The least compute capability that it runs on, as 80 for 8.0.</summary>
    public int LeastArchitecture { get; init; } = 80;

    /// <summary>The most columns of a result that it is meant for. Narrow tiles would win where there are few blocks too, but read the rows more
    /// often than the model knows.</summary>
    public int MostColumns { get; init; } = int.MaxValue;

    /// <summary>Multiply-adds of a warp in a step: a thread has a 256th of the tile.</summary>
    public int StepMultiplyAdds => Rows * Columns * StepDepth / (int)ProductTiles.Threads;

    /// <summary>Whether it can compute a request.</summary>
    public bool Supports(in ProductRequest request) =>
        Pass == request.Pass && request.Gpu.Architecture >= LeastArchitecture && Array.IndexOf(Types, request.Type) >= 0
        && request.Columns <= MostColumns;

    /// <summary>How many tiles cover a result.</summary>
    public long Blocks(long rows, long columns) => ProductTiles.Count(rows, Rows) * ProductTiles.Count(columns, Columns);

    /// <summary>The predicted clocks of the launch: <see cref="TileCost"/>.</summary>
    public double Clocks(in ProductRequest request)
    {
        var gathers = request.Pass is ProductPass.Forward or ProductPass.DataGradient;
        return TileCost.Clocks(
            this, Blocks(request.Rows, request.Columns) * request.Copies, request.Steps, request.Gpu,
            gathers && request.Depth % ValuesOfAChunk != 0 ? ByValueInstructions : 0);
    }

    /// <summary>What the table compares: the predicted clocks. A weight gradient's sum is cut until the device is busy, so there it is the
    /// instructions of all tiles.</summary>
    public double Cost(in ProductRequest request) =>
        Pass == ProductPass.WeightGradient ? (double)Blocks(request.Rows, request.Columns) * StepInstructions : Clocks(request);

    /// <summary>The kernel's name.</summary>
    public override string ToString() => Name;
}

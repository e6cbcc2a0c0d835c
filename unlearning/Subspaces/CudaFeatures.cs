using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Unlearning.Subspaces;

/// <summary>
/// Features on a GPU: their Gram matrix in float64, gathered as they come, and the rows themselves where a solver wants them. What
/// <see cref="SubspaceAccumulator"/> is on the CPU; a feature never crosses to the host.
/// </summary>
/// <remarks>Rows are added in blocks of a fixed size, so that the bits depend on their order but not on how the caller cut them. The
/// first look at the matrix adds what still waits and closes it. Not safe for concurrent use.</remarks>
public sealed unsafe class CudaFeatures : IDisposable
{
    // Enough blocks of threads for a large device at d = 512; a buffer of 4 MB.
    private const int BlockRows = 2048;

    private const string Operation = "features on the device";

    private readonly GramKernels _kernels;
    private readonly bool _exact;
    private readonly CudaDeviceVariable<double> _gram;
    private readonly CudaDeviceVariable<float> _rows;
    private readonly CudaDeviceVariable<ulong> _bad;
    private CudaDeviceVariable<byte>? _workspace;
    private long _blocked;
    private bool _closed;

    /// <summary>An empty one.</summary>
    /// <param name="context">The device.</param>
    /// <param name="dimension">d, the length of a feature, at least 1.</param>
    /// <param name="keptRows">0 to gather the Gram matrix alone; else room for so many rows, all of which are kept.</param>
    /// <exception cref="UsageException">d is less than 1, or keptRows negative.</exception>
    /// <exception cref="DeviceException">The device fails, or has not enough memory.</exception>
    public CudaFeatures(CudaContext context, int dimension, long keptRows = 0)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (dimension < 1 || keptRows < 0)
            throw new UsageException($"{Operation}: got dimension {dimension} and {keptRows} rows, wants at least 1 and 0");
        (Context, Dimension, KeepsRows) = (context, dimension, keptRows > 0);
        _kernels = new GramKernels(context);
        _exact = GramKernels.HasFastFloat64(context.ComputeCapability);
        _gram = new CudaDeviceVariable<double>(context, (long)dimension * dimension, Operation);
        _gram.Fill(0);
        _rows = new CudaDeviceVariable<float>(context, (keptRows > 0 ? keptRows : BlockRows) * dimension, Operation);
        _bad = new CudaDeviceVariable<ulong>(context, 1, Operation);
        _bad.Fill(0xFF);
    }

    /// <summary>The device.</summary>
    public CudaContext Context { get; }

    /// <summary>d, the length of a feature.</summary>
    public int Dimension { get; }

    /// <summary>How many rows were added.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the rows are kept.</summary>
    public bool KeepsRows { get; }

    /// <summary>The device address of the rows, [n, d] float32; only within a <see cref="KernelCall"/>.</summary>
    internal nint Rows => KeepsRows ? _rows.Pointer : throw NotKept();

    /// <summary>The device address of G, [d, d] float64; nothing can be added after this. Only within a <see cref="KernelCall"/>.</summary>
    internal nint Gram
    {
        get
        {
            Close();
            return _gram.Pointer;
        }
    }

    /// <summary>Adds rows that lie on the device.</summary>
    /// <param name="rows">Their device address, [count, d] float32. They may be overwritten by what is issued after this.</param>
    /// <param name="count">How many; 0 is allowed.</param>
    /// <exception cref="UsageException">The Gram matrix was read already, or there is no room to keep so many.</exception>
    public void Add(nint rows, int count)
    {
        using var call = KernelCall.Begin();
        Admit(count);
        while (count > 0)
        {
            var (at, taken) = NextRows(count);
            Context.Stream.Copy(rows, at, Bytes(taken));
            rows += (nint)Bytes(taken);
            count -= taken;
            Take(taken);
        }
    }

    /// <summary>Adds rows of the host.</summary>
    /// <param name="rows">[count, d] row-major.</param>
    /// <exception cref="UsageException">No whole number of rows, the Gram matrix was read already, or there is no room to keep so many.</exception>
    public void Add(ReadOnlySpan<float> rows)
    {
        if (rows.Length % Dimension != 0)
            throw new UsageException($"{Operation}: got {rows.Length} values, wants rows of {Dimension}");
        Admit(rows.Length / Dimension);
        using var call = KernelCall.Begin();
        while (!rows.IsEmpty)
        {
            var (at, taken) = NextRows(rows.Length / Dimension);
            fixed (float* source = rows)
                Context.Stream.CopyToDevice(source, at, Bytes(taken));
            rows = rows[(taken * Dimension)..];
            Take(taken);
        }
    }

    /// <summary>The Gram matrix on the host, as an accumulator that goes on there.</summary>
    /// <exception cref="EscException">A feature is not finite (bad input).</exception>
    public SubspaceAccumulator ToAccumulator()
    {
        CheckFinite();
        return SubspaceAccumulator.FromGram(GramToHost(), Dimension, Count);
    }

    /// <summary>Gives the device memory back.</summary>
    public void Dispose()
    {
        _gram.Dispose();
        _rows.Dispose();
        _bad.Dispose();
        _workspace?.Dispose();
    }

    /// <summary>Some of the kept rows as features of their own, beside these.</summary>
    /// <param name="rows">Their numbers, in any order.</param>
    internal CudaFeatures Gather(ReadOnlySpan<int> rows)
    {
        using var call = KernelCall.Begin();
        using var index = new CudaDeviceVariable<int>(Context, rows.Length, Operation);
        index.CopyToDevice(rows);
        var picked = new CudaFeatures(Context, Dimension, rows.Length);
        try
        {
            var kernels = new RowsKernels(Context);
            for (var done = 0; done < rows.Length;)
            {
                var (at, taken) = picked.NextRows(rows.Length - done);
                kernels.Gather(Rows, Count, index.Pointer + (done * sizeof(int)), at, taken, Bytes(1));
                picked.Take(taken);
                done += taken;
            }

            return picked;
        }
        catch
        {
            picked.Dispose();
            throw;
        }
    }

    internal double[] GramToHost()
    {
        Close();
        return _gram.ToHost();
    }

    internal double[] Diagonal()
    {
        using var call = KernelCall.Begin();
        using var diagonal = new CudaDeviceVariable<double>(Context, Dimension, Operation);
        new SubspaceKernels(Context).Diagonal(Gram, diagonal.Pointer, Dimension);
        return diagonal.ToHost();
    }

    internal float[] RowsToHost()
    {
        if (!KeepsRows)
            throw NotKept();
        var rows = new float[Count * Dimension];
        _rows.CopyToHost(rows);
        return rows;
    }

    /// <summary>Closes the matrix and throws if a feature was not finite.</summary>
    internal void CheckFinite()
    {
        Close();
        Span<ulong> bad = stackalloc ulong[1];
        _bad.CopyToHost(bad);
        if (bad[0] == ulong.MaxValue)
            return;
        throw new EscException(
            ErrorCode.BadInput,
            $"features: row {bad[0] / (ulong)Dimension}, column {bad[0] % (ulong)Dimension} is not finite. Check that image for damage and the model's weights for NaN or infinity");
    }

    private static UsageException NotKept() => new("the feature rows were not kept on the device, only their Gram matrix");

    private long Bytes(int rows) => (long)rows * Dimension * sizeof(float);

    private void Admit(int count)
    {
        if (_closed)
            throw new UsageException($"{Operation}: the Gram matrix was read already; no row can be added");
        if (count < 0 || (KeepsRows && (Count + count) * Dimension > _rows.Count))
            throw new UsageException($"{Operation}: got {count} rows after {Count}, has room for {_rows.Count / Dimension}");
    }

    // Where the next rows go, and how many of them complete a block.
    private (nint At, int Count) NextRows(int count)
    {
        var waiting = (int)(Count - _blocked);
        var first = KeepsRows ? Count : waiting;
        return (_rows.Pointer + (nint)(first * Dimension * sizeof(float)), Math.Min(count, BlockRows - waiting));
    }

    private void Take(int count)
    {
        Count += count;
        if (Count - _blocked == BlockRows)
            AddBlock();
    }

    private void AddBlock()
    {
        using var call = KernelCall.Begin();
        var count = Count - _blocked;
        _workspace ??= new CudaDeviceVariable<byte>(Context, GramKernels.WorkspaceBytes(BlockRows, Dimension), Operation);
        var first = KeepsRows ? _blocked : 0;
        var z = _rows.Pointer + (nint)(first * Dimension * sizeof(float));
        _kernels.Add(DType.F32, _exact, z, count, Dimension, _gram.Pointer, _workspace.Pointer, _bad.Pointer, _blocked);
        _blocked = Count;
    }

    private void Close()
    {
        if (_closed)
            return;
        if (Count > _blocked)
            AddBlock();
        _closed = true;
    }
}

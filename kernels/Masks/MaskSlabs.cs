using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>U and M of ESC-T in slabs of columns, and what a step does with a slab while it lies in the cache.</summary>
/// <remarks>
/// Everything of a step but the head is a matter of single columns: with Q = ZᵀG, [d, classes], the rows T = QᵀA, the gradient
/// Q B + Wᵀ T, the new A and the new rows B = W A. So a step reads U and M once, writes M once, and meets between slabs only in the sum
/// of what each adds to the head B Aᵀ. A slab is [d, columns of the packed kernel]: the form in which that kernel reads a right operand.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
internal sealed unsafe class MaskSlabs<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // With more tasks the sum of their heads costs more than another thread gains.
    private const int MostTasks = 8;

    // Multiplications of a step from which on it has more than one task. Two threads meet in some us.
    private const long ParallelVolume = 1 << 20;

    private static readonly GemmKernelSet<T> Set = GemmKernelSet.Of<T>();

    private readonly int _d;
    private readonly int _r;
    private readonly int _classes;
    private readonly int _slabs;
    private readonly int _tasks;
    private readonly AlignedMemory<T> _basis;      // [slabs, d, columns]; 0 in columns past r
    private readonly AlignedMemory<T> _mask;       // the same
    private readonly AlignedMemory<T> _wide;       // [slabs, classes + whole tiles of classes, columns]: B over T
    private readonly AlignedMemory<T> _weight;     // Wᵀ: [d, ClassStride]
    private readonly AlignedMemory<T> _high;       // Qᵀ over W: [2 classes, whole tiles of d]
    private readonly AlignedMemory<T> _partial;    // [tasks, d, ClassStride]

    /// <summary>A mask of ones.</summary>
    /// <param name="basis">U: [d, r].</param>
    /// <param name="weight">W: [classes, d].</param>
    /// <param name="d">d.</param>
    /// <param name="classes">Rows of W.</param>
    public MaskSlabs(T[] basis, T[] weight, int d, int classes)
    {
        (_d, _r, _classes) = (d, basis.Length / d, classes);
        var (rows, columns, _) = Set.Product;
        ClassStride = RoundUp(RoundUp(classes, rows), Set.Lanes);
        HighStride = RoundUp(d, rows);
        _slabs = (_r + columns - 1) / columns;
        IsParallel = 5L * classes * d * _r >= ParallelVolume;
        _tasks = IsParallel ? Math.Min(_slabs, MostTasks) : 1;
        _basis = new((long)_slabs * d * columns);
        _mask = new((long)_slabs * d * columns);
        _wide = new((long)_slabs * (classes + RoundUp(classes, rows)) * columns);
        _weight = new((long)d * ClassStride);
        Slope = new((long)d * ClassStride);
        _high = new(2L * classes * HighStride);
        _partial = new((long)_tasks * d * ClassStride);
        Head = new((long)d * ClassStride);
        Pack(basis, _basis);
        _mask.Fill(T.One);
        for (var c = 0; c < classes; c++)
        {
            for (var i = 0; i < d; i++)
            {
                _weight.Span[(i * ClassStride) + c] = weight[(c * d) + i];
                _high.Span[((classes + c) * HighStride) + i] = weight[(c * d) + i];
            }
        }
    }

    /// <summary>Values between two rows of <see cref="Head"/> and <see cref="Slope"/>; past the classes they are 0.</summary>
    public int ClassStride { get; }

    /// <summary>Values between two rows of <see cref="High"/>.</summary>
    public int HighStride { get; }

    /// <summary>Whether a step is large enough for several threads.</summary>
    public bool IsParallel { get; }

    /// <summary>Q: [d, ClassStride], to be written before a step, and its transpose into <see cref="High"/>.</summary>
    public AlignedMemory<T> Slope { get; }

    /// <summary>Qᵀ: [classes, HighStride].</summary>
    public T* High => _high.Pointer;

    /// <summary>A Bᵀ, so that the logits are z Head + b: [d, ClassStride].</summary>
    public AlignedMemory<T> Head { get; }

    /// <summary>Copies M, [d, r] row-major.</summary>
    public void ReadMask(Span<T> mask)
    {
        ReadOnlySpan<T> slabs = _mask.Span;
        for (var i = 0; i < _d; i++)
        {
            for (var j = 0; j < _r; j++)
                mask[(i * _r) + j] = slabs[Place(i, j)];
        }
    }

    /// <summary>Replaces M; the head is that of the old one until <see cref="FormHead"/>.</summary>
    public void WriteMask(ReadOnlySpan<T> mask) => Pack(mask, _mask);

    /// <summary>Makes B and the head of the present mask.</summary>
    public void FormHead() => Run(Work.Form, T.Zero, null);

    /// <summary>M becomes M - rate U ⊙ (Q B + WᵀT), each value held in [0, 1]; then B and the head of the new mask.</summary>
    public void Descend(T rate) => Run(Work.Descend, rate, null);

    /// <summary>Writes scale U ⊙ (Q B + WᵀT), [d, r], and changes nothing.</summary>
    public void Gradient(T scale, T* gradient) => Run(Work.Measure, scale, gradient);

    private void Run(Work work, T rate, T* gradient)
    {
        using var call = KernelCall.Begin();
        var job = new SlabJob
        {
            Work = work,
            Rate = rate,
            Gradient = gradient,
            D = _d,
            R = _r,
            Classes = _classes,
            Slabs = _slabs,
            Tasks = _tasks,
            ClassStride = ClassStride,
            HighStride = HighStride,
            Basis = _basis.Pointer,
            Mask = _mask.Pointer,
            Wide = _wide.Pointer,
            Weight = _weight.Pointer,
            Slope = Slope.Pointer,
            High = _high.Pointer,
            Partial = _partial.Pointer,
        };
        SimdRunner.Run<T, SlabJob>(_tasks, job);
        if (work == Work.Measure)
            return;
        var sum = new SumJob { Partial = _partial.Pointer, Head = Head.Pointer, Tasks = _tasks, Values = _d * ClassStride };
        SimdRunner.Run<T, SumJob>(IsParallel ? SimdRunner.TilesOf(sum.Values, SumJob.TileValues) : 1, sum);
    }

    private void Pack(ReadOnlySpan<T> matrix, AlignedMemory<T> target)
    {
        var slabs = target.Span;
        for (var i = 0; i < _d; i++)
        {
            for (var j = 0; j < _r; j++)
                slabs[Place(i, j)] = matrix[(i * _r) + j];
        }
    }

    private int Place(int i, int j)
    {
        var columns = Set.Product.Columns;
        return ((((j / columns) * _d) + i) * columns) + (j % columns);
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    private enum Work
    {
        Form,
        Descend,
        Measure,
    }

    // A task's slabs, one after another.
    private struct SlabJob : ISimdJob<T>
    {
        public Work Work;
        public T Rate;
        public int D, R, Classes, Slabs, Tasks, ClassStride, HighStride;
        public T* Basis, Mask, Wide, Weight, Slope, High, Partial, Gradient;

        public readonly void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var columns = Set.Product.Columns;
            var (first, end) = (tile * Slabs / Tasks, (tile + 1) * Slabs / Tasks);
            // A of the slab, then Bᵀ of it.
            var masked = CpuScratch.Get<T>(CpuScratch.Slot.Mask, (long)(D + ClassStride) * columns);
            for (var slab = first; slab < end; slab++)
            {
                var at = (nint)slab * D * columns;
                var wide = Wide + ((nint)slab * (Classes + RoundUp(Classes, Set.Product.Rows)) * columns);
                Multiply<V>(Basis + at, Mask + at, masked, (nint)D * columns);
                if (Work != Work.Form)
                {
                    Coordinates(Slope, masked, wide + (Classes * columns));
                    Move<V>(slab, Basis + at, Mask + at, masked, wide);
                }

                if (Work == Work.Measure)
                    continue;
                // Its last tile reaches into T, which is spent.
                Coordinates(Weight, masked, wide);
                AddToHead(masked, wide, masked + ((nint)D * columns), Partial + ((nint)tile * D * ClassStride), slab > first);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Multiply<V>(T* u, T* m, T* a, nint count)
            where V : unmanaged, ISimd<V, T>
        {
            for (nint i = 0; i < count; i += V.Count)
                (V.Load(u + i) * V.Load(m + i)).Store(a + i);
        }

        // rows[c, j] = sum over i of left[i, c] masked[i, j]
        private readonly void Coordinates(T* left, T* masked, T* rows)
        {
            var (tileRows, columns, _) = Set.Product;
            var kernel = Set.Product.Kernel;
            for (var c = 0; c < Classes; c += tileRows)
                kernel(D, left + c, ClassStride, masked, rows + (c * columns), columns, false);
        }

        // The gradient, a tile of rows at a time, and what is done with it.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Move<V>(int slab, T* u, T* m, T* a, T* wide)
            where V : unmanaged, ISimd<V, T>
        {
            var (rows, columns, _) = Set.Product;
            var kernel = Set.Product.Kernel;
            var block = stackalloc T[(rows * columns) + V.Count];
            block = (T*)(((nint)block + (V.Count * sizeof(T)) - 1) & -(V.Count * sizeof(T)));
            var rate = V.Create(Rate);
            for (var i = 0; i < D; i += rows)
            {
                kernel(2 * Classes, High + i, HighStride, wide, block, columns, false);
                var offset = (nint)i * columns;
                var count = (nint)Math.Min(rows, D - i) * columns;
                if (Work == Work.Measure)
                {
                    Report(slab, i, u + offset, block);
                    continue;
                }

                for (nint at = 0; at < count; at += V.Count)
                {
                    var direction = V.Load(u + offset + at);
                    var moved = V.Load(m + offset + at) - (direction * rate * V.Load(block + at));
                    moved = V.MinNative(V.MaxNative(moved, V.Zero), V.Constant(1));
                    moved.Store(m + offset + at);
                    (direction * moved).Store(a + offset + at);
                }
            }
        }

        private readonly void Report(int slab, int row, T* u, T* block)
        {
            var (rows, columns, _) = Set.Product;
            for (var i = row; i < Math.Min(D, row + rows); i++)
            {
                for (var j = slab * columns; j < Math.Min(R, (slab + 1) * columns); j++)
                {
                    var at = ((i - row) * columns) + (j % columns);
                    Gradient[((nint)i * R) + j] = u[at] * Rate * block[at];
                }
            }
        }

        // head[i, c] (+)= sum over j of masked[i, j] wide[c, j]
        private readonly void AddToHead(T* masked, T* wide, T* transposed, T* head, bool accumulate)
        {
            var columns = Set.Product.Columns;
            for (var j = 0; j < columns; j++)
            {
                for (var c = 0; c < ClassStride; c++)
                    transposed[(j * ClassStride) + c] = c < Classes ? wide[(c * columns) + j] : T.Zero;
            }

            DirectGemm<T>.Multiply(D, ClassStride, columns, new(masked, columns, false), new(transposed, ClassStride, true), head, ClassStride, accumulate);
        }
    }

    // head = the sum of the tasks' heads, in their order.
    private struct SumJob : ISimdJob<T>
    {
        public const int TileValues = 4096;

        public T* Partial, Head;
        public int Tasks, Values;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var (first, end) = Tasks == 1 ? (0, Values) : (tile * TileValues, Math.Min(Values, (tile + 1) * TileValues));
            for (var i = first; i < end; i += V.Count)
            {
                var sum = V.Load(Partial + i);
                for (var task = 1; task < Tasks; task++)
                    sum += V.Load(Partial + ((nint)task * Values) + i);
                sum.Store(Head + i);
            }
        }
    }
}

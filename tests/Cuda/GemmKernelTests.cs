using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>The kernels of gemm.cu against loops in double.</summary>
public sealed class GemmKernelTests
{
    // Products are below 1: sums of k of them grow like √k and are rounded k times; for the worst of many values.
    private const double C = 12;

    private static readonly int Seed = DeviceValues.FreshSeed;

    // One, primes, the edges of both tiles, long and thin, no products at all.
    private static readonly (int M, int N, int K)[] Sizes =
        [(1, 1, 1), (3, 5, 7), (64, 64, 16), (65, 63, 17), (20, 130, 33), (129, 127, 47), (128, 128, 8), (4, 5, 0), (1, 1, 700), (7, 197, 64), (197, 3, 101)];

    private static readonly ProductVariant Small = ProductRows.Named("gemm_xx_64");

    public static TheoryData<string, bool, bool> Layouts =>
        [.. CudaMachine.Names.SelectMany(_ => (bool[])[false, true], (name, a) => (name, a)).SelectMany(_ => (bool[])[false, true], (row, b) => (row.name, row.a, b))];

    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Products_equal_the_oracle_in_every_kernel(string name, bool transposeA, bool transposeB)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GemmKernels(machine.Context);
        var random = new Random(Seed);
        var ran = new HashSet<ProductVariant>();
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (m, n, k) in Sizes)
            {
                // In rows of whole chunks of 16 bytes, with gaps, and from an address that is aligned to one value only.
                foreach (var (gap, offset) in ((int, int)[])[(0, 0), (3, 0), (4, 1)])
                {
                    var product = new Case(machine, type, random, m, n, k, transposeA, transposeB, gap, offset);
                    foreach (var row in ProductRows.Of(ProductPass.Matrix, type))
                    {
                        product.Restore();
                        kernels.Multiply(type, product.Product, new GemmPlan(row, 1, k), 0);
                        product.AssertResult(row.Name);
                        ran.Add(row);
                    }
                }
            }
        }

        Assert.Equal(ProductVariants.Of(ProductPass.Matrix).ToHashSet(), ran);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void The_kernel_changes_no_bit(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GemmKernels(machine.Context);
        var random = new Random(Seed);
        for (var layout = 0; layout < 4; layout++)
        {
            var product = new Case(machine, DType.F32, random, 131, 70, 83, (layout & 2) != 0, (layout & 1) != 0, 0, 0);
            kernels.Multiply(DType.F32, product.Product, new GemmPlan(Small, 1, 83), 0);
            var expected = product.Result();
            foreach (var row in ProductVariants.Of(ProductPass.Matrix))
            {
                product.Restore();
                kernels.Multiply(DType.F32, product.Product, new GemmPlan(row, 1, 83), 0);
                Assert.Equal(expected, product.Result());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Factors_bias_and_rectifier_come_last(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GemmKernels(machine.Context);
        var random = new Random(Seed);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var splits in (int[])[1, 3])
            {
                var product = new Case(machine, type, random, 66, 35, 100, false, true, gap: 1, offset: 0)
                {
                    Alpha = -0.5,
                    Beta = 0.25,
                    Bias = DeviceValues.Random(random, 35),
                    Relu = true,
                };
                // 100 products in steps of 16 (8 in double): pieces of 48, 48 and 4.
                var workspace = machine.Allocate(type.Wide(), splits * 66 * 35);
                kernels.Multiply(type, product.Product, new GemmPlan(Small, splits, splits == 1 ? 100 : 48), workspace);
                product.AssertResult($"{splits} pieces");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_batch_has_two_levels_of_strides_and_may_share_operands(string name)
    {
        const int Images = 3, Heads = 2, Tokens = 9, Size = 5, Width = Heads * Size;
        using var machine = CudaMachine.Use(name);
        var kernels = new GemmKernels(machine.Context);
        var random = new Random(Seed);
        foreach (var type in DeviceValues.Types)
        {
            // Scores of attention: the heads are columns of one matrix, the keys are the same for all images.
            var q = type.Round(DeviceValues.Random(random, Images * Tokens * Width));
            var keys = type.Round(DeviceValues.Random(random, Tokens * Width));
            var count = Images * Heads * Tokens * Tokens;
            var c = machine.Allocate(type, count);
            var product = new MatrixProduct(machine.Upload(type, q), false, Width, machine.Upload(type, keys), true, Width, c, Tokens, Tokens, Tokens, Size)
            {
                Outer = Images,
                Inner = Heads,
                OuterStride = (Tokens * Width, 0, Heads * Tokens * Tokens),
                InnerStride = (Size, Size, Tokens * Tokens),
            };
            kernels.Multiply(type, product, GemmPlan.Of(type, product, hasCublas: false), 0);
            var expected = new double[count];
            for (var at = 0; at < count; at++)
            {
                var (column, row, head, image) = (at % Tokens, at / Tokens % Tokens, at / Tokens / Tokens % Heads, at / Tokens / Tokens / Heads);
                for (var i = 0; i < Size; i++)
                    expected[at] += q[(((image * Tokens) + row) * Width) + (head * Size) + i] * keys[(column * Width) + (head * Size) + i];
            }

            type.AssertClose(expected, machine.Download(type, c, count), C, Size, $"seed {Seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_long_thin_product_is_split_and_gives_the_same_bits_again(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GemmKernels(machine.Context);
        foreach (var type in DeviceValues.Types)
        {
            var product = new Case(machine, type, new Random(Seed), 10, 33, 2500, true, false, 0, 0);
            var plan = GemmPlan.Of(type, product.Product, hasCublas: false);
            Assert.InRange(plan.Splits, 5, 10);
            var workspace = machine.Allocate<byte>(plan.WorkspaceBytes(type, product.Product));
            kernels.Multiply(type, product.Product, plan, workspace);
            product.AssertResult($"{plan.Splits} pieces");
            var expected = product.Result();
            product.Restore();
            kernels.Multiply(type, product.Product, plan, workspace);
            Assert.Equal(expected, product.Result());
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Rows_apart_have_the_same_bits_in_a_batch_of_any_size(string name)
    {
        const int Rows = 70, N = 20, K = 900;
        using var machine = CudaMachine.Use(name);
        using var gemm = new CudaGemm(machine.Context, choice: null);
        var product = new Case(machine, DType.F32, new Random(Seed), Rows, N, K, false, true, 0, 0);
        var together = product.Product with { RowsApart = true };
        gemm.Multiply(DType.F32, together, 0);
        var expected = product.Result();
        product.AssertResult("together");
        product.Restore();
        for (var row = 0; row < Rows; row++)
            gemm.Multiply(DType.F32, together with { A = together.A + (row * K * sizeof(float)), C = together.C + (row * N * sizeof(float)), M = 1 }, 0);
        Assert.Equal(expected, product.Result());
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void CuBlas_gets_the_same_product(string name, bool transposeA, bool transposeB)
    {
        using var machine = CudaMachine.Use(name);
        using var gemm = new CudaGemm(machine.Context, choice: null);
        Assert.SkipWhen(!gemm.HasCublas, "there is no cuBLAS here");
        var random = new Random(Seed);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (m, n, k) in ((int, int, int)[])[(3, 5, 7), (1, 9, 4), (20, 1, 6)])
            {
                var product = new Case(machine, type, random, m, n, k, transposeA, transposeB, gap: 2, offset: 1) { Alpha = 0.5, Beta = 2 };
                Assert.True(GemmPlan.Of(type, product.Product, hasCublas: true).UsesCublas);
                gemm.Multiply(type, product.Product, 0);
                product.AssertResult("cuBLAS");
            }
        }
    }

    [Fact]
    public void The_environment_chooses_who_multiplies()
    {
        using var machine = CudaMachine.Use(CudaMachine.Names[0]);
        using var gemm = new CudaGemm(machine.Context, "own");
        Assert.False(gemm.HasCublas);
        var failure = Assert.Throws<UsageException>(() => new CudaGemm(machine.Context, "fast"));
        Assert.Contains("ESC_CUDA_GEMM: got fast, wants own, cublas or nothing", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Nothing_to_do_is_no_launch_and_too_much_is_refused(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new GemmKernels(machine.Context);
        var before = machine.Context.Counters.Launches;
        var product = new MatrixProduct(0, false, 4, 0, false, 3, 0, 3, 5, 3, 4);
        foreach (var empty in (MatrixProduct[])[product with { M = 0 }, product with { N = 0 }, product with { Outer = 0 }, product with { Inner = 0 }])
            kernels.Multiply(DType.F32, empty, GemmPlan.Of(DType.F32, empty, hasCublas: false), 0);
        var huge = product with { N = (1 << 30) + 1 };
        Assert.Throws<DeviceException>(() => kernels.Multiply(DType.F32, huge, GemmPlan.Of(DType.F32, huge, hasCublas: false), 0));
        Assert.Equal(before, machine.Context.Counters.Launches);
    }

    [Fact]
    public void The_plan_follows_from_the_sizes()
    {
        static MatrixProduct Product(long m, int n, int k) => new(0, false, k, 0, true, k, 0, n, m, n, k);
        static GemmPlan Own(in MatrixProduct p) => GemmPlan.Of(DType.F32, p, hasCublas: false);
        Assert.Equal(new GemmPlan(ProductRows.Named("gemm_xx_128"), 1, 512), Own(Product(50_000, 512, 512)));
        Assert.Equal(new GemmPlan(Small, 1, 64), Own(Product(512, 512, 64)) with { Depth = 64 });
        // Few blocks and many products: about a wave of pieces, none shorter than 256.
        Assert.Equal(new GemmPlan(Small, 39, 256), Own(Product(10, 10, 9_984)));
        Assert.Equal(1, Own(Product(10, 10, 9_984) with { RowsApart = true }).Splits);
        // What cuBLAS cannot do, or would do differently for other numbers of rows.
        Assert.True(GemmPlan.Of(DType.F32, Product(10, 10, 10), hasCublas: true).UsesCublas);
        Assert.False(GemmPlan.Of(DType.F32, Product(10, 10, 10) with { RowsApart = true }, hasCublas: true).UsesCublas);
        Assert.False(GemmPlan.Of(DType.F32, Product(10, 10, 10) with { Relu = true }, hasCublas: true).UsesCublas);
        Assert.False(GemmPlan.Of(DType.F32, Product(10, 10, 10) with { Bias = 1 }, hasCublas: true).UsesCublas);
        Assert.False(GemmPlan.Of(DType.F32, Product(10, 10, 0), hasCublas: true).UsesCublas);
        var heads = Product(10, 10, 10) with { Outer = 3, Inner = 2, InnerStride = (100, 100, 100) };
        Assert.False(GemmPlan.Of(DType.F32, heads with { OuterStride = (300, 300, 300) }, hasCublas: true).UsesCublas);
        Assert.True(GemmPlan.Of(DType.F32, heads with { OuterStride = (200, 200, 200) }, hasCublas: true).UsesCublas);
        Assert.Throws<DeviceException>(() => ProductTiles.Grid("test", 1L << 31));
    }

    // A product with its operands on the device, in buffers that end where the last value does.
    private sealed class Case
    {
        private readonly CudaMachine _machine;
        private readonly DType _type;
        private readonly double[] _a, _b, _before;
        private readonly int _m, _n, _k, _lda, _ldb, _ldc, _offset;
        private readonly bool _transposeA, _transposeB;
        private readonly nint _c, _pa, _pb, _copy;

        public Case(CudaMachine machine, DType type, Random random, int m, int n, int k, bool transposeA, bool transposeB, int gap, int offset)
        {
            (_machine, _type, _m, _n, _k, _transposeA, _transposeB, _offset) = (machine, type, m, n, k, transposeA, transposeB, offset);
            (_lda, _ldb, _ldc) = ((transposeA ? m : k) + gap, (transposeB ? k : n) + gap, n + gap);
            _a = type.Round(DeviceValues.Random(random, offset + ((transposeA ? k : m) * _lda)));
            _b = type.Round(DeviceValues.Random(random, offset + ((transposeB ? n : k) * _ldb)));
            _before = type.Round(DeviceValues.Random(random, offset + (m * _ldc)));
            (_pa, _pb, _c) = (machine.Upload(type, _a), machine.Upload(type, _b), machine.Upload(type, _before));
            _copy = machine.Upload(type, _before);
        }

        public double Alpha { get; init; } = 1;

        public double Beta { get; init; }

        public double[]? Bias { get; init; }

        public bool Relu { get; init; }

        public MatrixProduct Product => new(At(_pa), _transposeA, _lda, At(_pb), _transposeB, _ldb, At(_c), _ldc, _m, _n, _k)
        {
            Alpha = Alpha,
            Beta = Beta,
            Relu = Relu,
            Bias = Bias is null ? 0 : _machine.Upload(_type.Wide(), Bias),
        };

        // c as it was before any product.
        public void Restore() => _machine.Context.Stream.Copy(_copy, _c, _before.Length * Size);

        public double[] Result() => _machine.Download(_type, _c, _before.Length);

        // What lies between the rows must be as it was.
        public void AssertResult(string what)
        {
            var expected = (double[])_before.Clone();
            for (var i = 0; i < _m; i++)
            {
                for (var j = 0; j < _n; j++)
                {
                    double sum = 0;
                    for (var l = 0; l < _k; l++)
                        sum += A(i, l) * B(l, j);
                    var at = _offset + (i * _ldc) + j;
                    sum = (Alpha * sum) + (Beta == 0 ? 0 : Beta * _before[at]) + (Bias is null ? 0 : _type.Wide().Round([Bias[j]])[0]);
                    expected[at] = Relu ? Math.Max(sum, 0) : sum;
                }
            }

            _type.AssertClose(
                expected, Result(), C, _k, $"{_m} x {_n} x {_k}, {_transposeA} {_transposeB}, rows of {_ldc}, offset {_offset}, {what}, seed {Seed}",
                scale: Math.Max(1, Math.Sqrt(_k) / 3));
        }

        private double A(int i, int l) => _a[_offset + (_transposeA ? (l * _lda) + i : (i * _lda) + l)];

        private double B(int l, int j) => _b[_offset + (_transposeB ? (j * _ldb) + l : (l * _ldb) + j)];

        private int Size => _type switch { DType.F32 => 4, DType.BF16 => 2, _ => 8 };

        private nint At(nint pointer) => pointer == 0 ? 0 : pointer + (_offset * Size);
    }
}

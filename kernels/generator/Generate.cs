// Writes the register-blocked micro-kernels of kernels/Cpu/Generated. Run it after a change, and commit what it writes:
//     dotnet run kernels/generator/Generate.cs
// They are generated because every accumulator must be a local variable of its own to stay in a register, and two dozen
// locals times a dozen kernels are not written by hand. A test compares the committed files with this generator's output.
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

#if !ESC_TESTS
var folder = Path.Combine(Path.GetDirectoryName(MicroKernelGenerator.SourcePath())!, "..", "Cpu", "Generated");
foreach (var (name, text) in MicroKernelGenerator.Files())
    File.WriteAllText(Path.Combine(folder, name), text);
#endif

/// <summary>The text of the micro-kernels: for float and double, for vectors of 512, 256 and 128 bits.</summary>
internal static class MicroKernelGenerator
{
    // Rows x vectors of a tile. Its accumulators, one row of b and one broadcast value fit the register file (32 vectors of
    // 512 bits, else 16), and at least 8 accumulators hide the latency of an FMA. The rows of an indirect tile are also
    // held as pointers, of which x64 can keep about 8. Each indirect tile of floats also comes with fewer rows, FewerRows, for what is
    // left of a number of rows, and for those who have few: one image of a network, which is computed in float.
    private static readonly Isa[] Isas =
    [
        new(512, Product: (12, 2), Gram: (8, 3), Indirect: [(8, 1), (8, 2), (8, 3), (6, 4)], GroupedRows: [1, 2, 4, 8]),
        new(256, Product: (6, 2), Gram: (4, 3), Indirect: [(8, 1), (6, 2), (4, 3)], GroupedRows: [1, 2, 4]),
        new(128, Product: (6, 2), Gram: (4, 2), Indirect: [(8, 1), (6, 2), (4, 3)], GroupedRows: [1, 2, 4]),
    ];

    private static readonly int[] FewerRows = [1, 2, 4];

    // How far ahead of the values in hand the weights of a Winograd convolution come into L2: memory takes 100 ns.
    private const int StreamBytes = 16 << 10;

    private static readonly (string Name, string Suffix, int Bits)[] Types = [("float", "F32", 32), ("double", "F64", 64)];

    /// <summary>Every file: its name in kernels/Cpu/Generated and its text.</summary>
    public static IEnumerable<(string Name, string Text)> Files()
    {
        foreach (var isa in Isas)
        {
            foreach (var type in Types)
            {
                var vector = new VectorType(isa.Bits, type.Name, isa.Bits / type.Bits);
                yield return File($"PackedKernels{isa.Bits}{type.Suffix}", PackedSummary,
                    PackedTiles(isa, type.Name).Select(tile => Packed(vector, tile.Rows, tile.Vectors)));
                yield return File($"IndirectKernels{isa.Bits}{type.Suffix}", IndirectSummary,
                    IndirectMethods(isa, vector));
            }

            var single = new VectorType(isa.Bits, "float", isa.Bits / 32);
            yield return File($"GroupedKernels{isa.Bits}F32", GroupedSummary,
                from rows in isa.GroupedRows from vectors in Enumerable.Range(1, 3) select Grouped(single, rows, vectors));
            yield return File($"FmaChains{isa.Bits}", ChainSummary,
                Types.Select(type => Chain(new VectorType(isa.Bits, type.Name, isa.Bits / type.Bits), type.Suffix)));
        }
    }

    /// <summary>Where this file lies.</summary>
    public static string SourcePath([CallerFilePath] string path = "") => path;

    private const string PackedSummary =
        """
        // c[i, j] (+)= sum over p < k of a[p * strideA + i] * b[p * columns + j], for one tile of rows x columns.
        // c: rows of ldc values. b is packed without gaps.
        """;

    private const string IndirectSummary =
        """
        // c[outs[i] + j] = f(start[starts[i] + j] + bias[j] + sum over p < depth of a[rows[i] + cols[p]] * b[p * strideB + j]),
        // for one tile of rows x columns; f is max(., 0) or nothing, and start and bias may be absent (see IndirectPanel).
        // Everything is read before anything is written, so start may be c, and a tile that has fewer rows may name one row
        // several times. What lies ahead comes into L2 meanwhile: a line in each step, or as many as are read where there is little to compute.
        """;

    private const string GroupedSummary =
        """
        // c[i, j] = sum over p < k of a[p, i] * b[p, j], for one tile of rows x columns; b and c without gaps.
        // a comes in groups of as many p as a vector has lanes: [group][row][lane], so a writer of whole vectors along p needs
        // no transposition and a reader needs one pointer. next is where the next tile's a lies, which is fetched meanwhile.
        """;

    private const string ChainSummary =
        """
        // 12 independent chains of FMA, as many as hide its latency: what the processor can compute at most.
        """;

    // Gram matrices are summed in double.
    private static IEnumerable<(int Rows, int Vectors)> PackedTiles(Isa isa, string type) =>
        type == "double" ? [isa.Product, isa.Gram] : [isa.Product];

    private static IEnumerable<string> IndirectMethods(Isa isa, VectorType vector)
    {
        var tiles = isa.Indirect.SelectMany(tile => FewerRows.Where(rows => rows < tile.Rows && vector.Element == "float").Append(tile.Rows).Select(rows => (Rows: rows, tile.Vectors))).ToArray();
        var code = new Code();
        code.Line(1, $"/// <summary>Makes the kernels those of a set, the ones of few rows first.</summary>");
        code.Line(1, $"public static void AddTo(GemmKernelSet<{vector.Element}> set)");
        code.Line(1, "{");
        foreach (var (rows, vectors) in tiles)
        {
            code.Line(2, $"set.SetIndirect({vectors}, {rows}, (nint)(delegate*<IndirectPanel<{vector.Element}>*, int*, int*, int*, void>)"
                + Invariant($"&K{rows}x{vectors * vector.Lanes});"));
        }

        return tiles.Select(tile => Indirect(vector, tile.Rows, tile.Vectors, tile.Rows == isa.Indirect.Single(t => t.Vectors == tile.Vectors).Rows))
            .Prepend(code.End());
    }

    private static (string Name, string Text) File(string name, string summary, IEnumerable<string> methods)
    {
        var text = new StringBuilder();
        text.Append("// <auto-generated/> by kernels/generator/Generate.cs\n");
        text.Append("using System.Runtime.CompilerServices;\n");
        text.Append("using System.Runtime.Intrinsics;\n");
        if (summary is not ChainSummary)
            text.Append("using System.Runtime.Intrinsics.X86;\n");
        text.Append("\nnamespace EscNative.Kernels.Cpu;\n\n");
        text.Append(summary.ReplaceLineEndings("\n")).Append('\n');
        text.Append(Invariant($"internal static unsafe class {name}\n{{\n"));
        text.AppendJoin("\n", methods).Append("}\n");
        return (name + ".cs", text.ToString());
    }

    private static string Packed(VectorType v, int rows, int vectors)
    {
        var columns = vectors * v.Lanes;
        var code = Method(
            $"K{rows}x{columns}(nint k, {v.Element}* a, nint strideA, {v.Element}* b, {v.Element}* c, nint ldc, bool accumulate)");
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(2, $"var c{i}_{j} = {v.Name}<{v.Element}>.Zero;");
        // c is wanted only after the loop: by then it has come from memory.
        code.Line(2, "if (Sse.IsSupported)");
        code.Line(2, "{");
        code.Line(3, $"for (var i = 0; i < {rows}; i++)");
        code.Line(3, "{");
        for (var line = 0; line < columns * v.ElementBytes; line += 64)
            code.Line(4, $"Sse.Prefetch0((byte*)(c + i * ldc) + {line});");
        code.Line(3, "}");
        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, "for (; k > 0; k--)");
        code.Line(2, "{");
        for (var j = 0; j < vectors; j++)
            code.Line(3, $"var b{j} = {v.Name}.Load(b + {j * v.Lanes});");
        for (var i = 0; i < rows; i++)
        {
            code.Line(3, $"var a{i} = {v.Name}.Create(a[{i}]);");
            for (var j = 0; j < vectors; j++)
                code.Line(3, $"c{i}_{j} = {v.Fma}(a{i}, b{j}, c{i}_{j});");
        }

        code.Line(3, "a += strideA;");
        code.Line(3, $"b += {columns};");
        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, "if (accumulate)");
        code.Line(2, "{");
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < vectors; j++)
                code.Line(3, $"(c{i}_{j} + {v.Name}.Load(c + {j * v.Lanes})).Store(c + {j * v.Lanes});");
            code.Line(3, "c += ldc;");
        }

        code.Line(3, "return;");
        code.Line(2, "}");
        code.Line(0, "");
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < vectors; j++)
                code.Line(2, $"c{i}_{j}.Store(c + {j * v.Lanes});");
            code.Line(2, "c += ldc;");
        }

        return code.End();
    }

    private static string Indirect(VectorType v, int rows, int vectors, bool whole)
    {
        var t = v.Element;
        var code = Method($"K{rows}x{vectors * v.Lanes}(IndirectPanel<{t}>* panel, int* rows, int* outs, int* starts)");
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(2, $"var c{i}_{j} = {v.Name}<{t}>.Zero;");
        code.Line(2, "var bias = panel->Bias;");
        code.Line(2, "var start = panel->Start;");
        code.Line(2, "if (bias != null)");
        code.Line(2, "{");
        for (var j = 0; j < vectors; j++)
        {
            for (var i = 0; i < rows; i++)
                code.Line(3, $"c{i}_{j} = {v.Name}.Load(bias + {j * v.Lanes});");
        }

        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, "if (start != null)");
        code.Line(2, "{");
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(3, $"c{i}_{j} += {v.Name}.Load(start + starts[{i}] + {j * v.Lanes});");
        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, "var a = panel->A;");
        code.Line(2, "var b = panel->B;");
        code.Line(2, "var strideB = panel->StrideB;");
        code.Line(2, "var cols = panel->Columns;");
        code.Line(2, "var ahead = (byte*)panel->Ahead;");
        for (var i = 0; i < rows; i++)
            code.Line(2, $"var a{i} = a + rows[{i}];");
        code.Line(2, "for (var last = cols + panel->Depth; cols < last; cols++)");
        code.Line(2, "{");
        code.Line(3, "nint at = *cols;");
        var lines = whole ? 1 : (vectors * v.Lanes * v.ElementBytes + 63) / 64;
        code.Line(3, "if (Sse.IsSupported)");
        code.Line(3, "{");
        for (var line = 0; line < lines; line++)
            code.Line(4, $"Sse.Prefetch1(ahead + {64 * line});");
        code.Line(3, "}");
        code.Line(0, "");
        code.Line(3, $"ahead += {64 * lines};");
        for (var j = 0; j < vectors; j++)
            code.Line(3, $"var b{j} = {v.Name}.Load(b + {j * v.Lanes});");
        for (var i = 0; i < rows; i++)
        {
            code.Line(3, $"var x{i} = {v.Name}.Create(a{i}[at]);");
            for (var j = 0; j < vectors; j++)
                code.Line(3, $"c{i}_{j} = {v.Fma}(x{i}, b{j}, c{i}_{j});");
        }

        code.Line(3, "b += strideB;");
        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, "if (panel->Relu)");
        code.Line(2, "{");
        // Of zero and NaN, MaxNative takes its second operand.
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(3, $"c{i}_{j} = {v.Name}.MaxNative({v.Name}<{t}>.Zero, c{i}_{j});");
        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, "var c = panel->C;");
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(2, $"c{i}_{j}.Store(c + outs[{i}] + {j * v.Lanes});");
        return code.End();
    }

    private static string Grouped(VectorType v, int rows, int vectors)
    {
        var t = v.Element;
        var columns = vectors * v.Lanes;
        var code = Method($"K{rows}x{columns}(nint k, {t}* a, {t}* b, {t}* c, {t}* next)");
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(2, $"var c{i}_{j} = {v.Name}<{t}>.Zero;");
        code.Line(2, $"for (; k > 0; k -= {v.Lanes})");
        code.Line(2, "{");
        code.Line(3, $"var end = a + (k < {v.Lanes} ? k : {v.Lanes});");
        code.Line(3, "do");
        code.Line(3, "{");
        code.Line(4, "if (Sse.IsSupported)");
        code.Line(4, "{");
        code.Line(5, "Sse.Prefetch0(next);");
        for (var line = 0; line < columns * v.ElementBytes; line += 64)
            code.Line(5, $"Sse.Prefetch1((byte*)b + {StreamBytes + line});");
        code.Line(4, "}");
        code.Line(0, "");
        code.Line(4, $"next += {rows};");
        for (var j = 0; j < vectors; j++)
            code.Line(4, $"var b{j} = {v.Name}.Load(b + {j * v.Lanes});");
        for (var i = 0; i < rows; i++)
        {
            code.Line(4, $"var a{i} = {v.Name}.Create(a[{i * v.Lanes}]);");
            for (var j = 0; j < vectors; j++)
                code.Line(4, $"c{i}_{j} = {v.Fma}(a{i}, b{j}, c{i}_{j});");
        }

        code.Line(4, "a++;");
        code.Line(4, $"b += {columns};");
        code.Line(3, "}");
        code.Line(3, "while (a != end);");
        code.Line(3, $"a += {(rows - 1) * v.Lanes};");
        code.Line(2, "}");
        code.Line(0, "");
        foreach (var (i, j) in Tile(rows, vectors))
            code.Line(2, $"c{i}_{j}.Store(c + {i * columns + j * v.Lanes});");
        return code.End();
    }

    private static string Chain(VectorType v, string suffix)
    {
        const int Chains = 12;
        var code = Method($"{suffix}(long count)", v.Element);
        code.Line(2, $"var x = {v.Name}.Create(({v.Element})0.999);");
        code.Line(2, $"var y = {v.Name}.Create(({v.Element})1e-3);");
        for (var i = 0; i < Chains; i++)
            code.Line(2, $"var r{i} = {v.Name}.Create(({v.Element}){i});");
        code.Line(2, "for (; count > 0; count--)");
        code.Line(2, "{");
        for (var i = 0; i < Chains; i++)
            code.Line(3, $"r{i} = {v.Fma}(r{i}, x, y);");
        code.Line(2, "}");
        code.Line(0, "");
        code.Line(2, $"return {v.Name}.Sum({string.Join(" + ", Enumerable.Range(0, Chains).Select(i => Invariant($"r{i}")))});");
        return code.End();
    }

    private static Code Method(FormattableString signature, string returns = "void")
    {
        var code = new Code();
        // NoInlining: inlined into a caller that is being replaced on its stack, a kernel lost its registers.
        code.Line(1, $"[MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]");
        code.Line(1, $"public static {returns} {Invariant(signature)}");
        code.Line(1, "{");
        return code;
    }

    private static IEnumerable<(int Row, int Vector)> Tile(int rows, int vectors) =>
        from i in Enumerable.Range(0, rows) from j in Enumerable.Range(0, vectors) select (i, j);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Isa(
        int Bits, (int Rows, int Vectors) Product, (int Rows, int Vectors) Gram, (int Rows, int Vectors)[] Indirect, int[] GroupedRows);

    private sealed record VectorType(int Bits, string Element, int Lanes)
    {
        public string Name => Invariant($"Vector{Bits}");

        public int ElementBytes => Bits / 8 / Lanes;

        // Where 256-bit vectors exist, so does FMA (the caller asks); a machine with 128 bits may lack it, and a
        // FusedMultiplyAdd in software is a hundred times slower.
        public string Fma => Name + (Bits == 128 ? ".MultiplyAddEstimate" : ".FusedMultiplyAdd");
    }

    private sealed class Code
    {
        private readonly StringBuilder _text = new();

        public void Line(int indent, FormattableString line) => Line(indent, Invariant(line));

        public void Line(int indent, string line) => _text.Append(' ', line.Length == 0 ? 0 : indent * 4).Append(line).Append('\n');

        public string End()
        {
            Line(1, "}");
            return _text.ToString();
        }
    }
}

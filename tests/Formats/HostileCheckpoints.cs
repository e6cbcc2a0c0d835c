using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

/// <summary>A checkpoint that must be refused: what it is, its bytes, and a part of what the reader says.</summary>
internal sealed record HostileFile(string Name, byte[] Bytes, string Says);

/// <summary>Checkpoints as damage makes them, and as attackers do.</summary>
/// <param name="arrays">Tensors of a good model.</param>
internal sealed partial class HostileCheckpoints(IReadOnlyList<NamedArray> arrays)
{
    private readonly List<HostileFile> _files = [];

    public IReadOnlyList<HostileFile> All()
    {
        Truncations();
        Archives();
        Streams();
        Machines();
        Code();
        Abuse();
        Copies();
        Visits();
        Tensors();
        WithoutValues();
        Modules();
        Values();
        return _files;
    }

    public CheckpointMaker Good() => new(arrays);

    private void Add(string name, byte[] bytes, string says) => _files.Add(new HostileFile(name, bytes, says));

    private void Truncations()
    {
        var zip = Good().Zip();
        var directory = Directory(zip);
        // Within the first header, its name, the pickle, a later header, a record, the directory, and the end.
        foreach (var length in (int[])[4, 8, 29, 30, 35, 60, 200, directory / 2, directory - 1, directory, directory + 10, directory + 46, directory + 50, zip.Length - 22, zip.Length - 10, zip.Length - 1])
            Add($"zip cut at {length}", zip[..length], "");
        var legacy = Good().Legacy();
        var whole = legacy.Length;
        foreach (var length in (int[])[14, 15, 17, 20, 21, 25, 40, 60, 80, 200, 1000, whole / 2, whole - 100, whole - 9, whole - 1])
            Add($"legacy cut at {length}", legacy[..length], "");
        var pickle = Good().Pickle();
        for (var i = 1; i <= 12; i++)
            Add($"pickle cut at {pickle.Length * i / 13}", Good().Zip(pickle[..(pickle.Length * i / 13)]), "");
    }

    private void Archives()
    {
        var good = Good();
        Add("deflated records", good.Zip(CompressionLevel.Optimal), "is compressed, and PyTorch's never are");
        Add("TorchScript", good.Zip(more: ("a/constants.pkl", [1])), "is a TorchScript program");
        Add("big-endian", NpyTests.Archive(CompressionLevel.NoCompression, ("a/data.pkl", good.Pickle()), ("a/byteorder", "big"u8.ToArray())), "'big', wants 'little'");
        Add("odd byte order", NpyTests.Archive(CompressionLevel.NoCompression, ("a/data.pkl", good.Pickle()), ("a/byteorder", new byte[1000])), "wants 'little'");
        Add("no records", NpyTests.Archive(CompressionLevel.NoCompression, ("a/data.pkl", good.Pickle())), "lacks the record 'a/data/0'");
        Add("only the pickle's name", NpyTests.Archive(CompressionLevel.NoCompression, ("a/data.pkl", [])), "truncated");
        Add("no pickle", NpyTests.Archive(CompressionLevel.NoCompression, ("a/byteorder", "little"u8.ToArray())), "no tensors");
        Add("pickle elsewhere", NpyTests.Archive(CompressionLevel.NoCompression, ("x/y", [1]), ("a/data.pkl", good.Pickle())), "does not stand first");
        Add("pickle followed by more", good.Zip([.. good.Pickle(), 0]), "something follows the pickle");
        foreach (var name in (string[])["../../etc/x", "/etc/x", "a\\..\\x", "a/data/..", "a/\u0001"])
            Add($"entry {name}", good.Zip(more: (name, [1])), "is not acceptable");
        Add("a name twice", good.Zip(more: ("a/data/0", [1])), "two entries are called");
        foreach (var entry in (int[])[0, 2])
        {
            var damaged = good.Zip();
            var local = BinaryPrimitives.ReadInt32LittleEndian(damaged.AsSpan(Record(damaged, entry) + 42));
            damaged[local + 30 + BitConverter.ToUInt16(damaged, local + 26) + BitConverter.ToUInt16(damaged, local + 28) + 1] ^= 1;
            Add($"a wrong checksum of entry {entry}", damaged, "is damaged: its checksum");
        }

        foreach (var (what, field, value, says) in ((string, int, int, string)[])[
            ("encrypted", 8, 1, "encrypted"), ("bzip2", 10, 12, "method 12"), ("a wrong size", 24, 7, ""), ("a wrong packed size", 20, 7, ""),
            ("another offset", 42, 3, "disagrees"), ("an offset outside", 42, int.MaxValue, "outside of the archive"), ("a huge size", 24, int.MaxValue, ""), ("another checksum", 16, 12345, "")])
        {
            for (var entry = 0; entry < 3; entry += 2)
            {
                var bytes = good.Zip();
                var at = Record(bytes, entry);
                if (field is 8 or 10)
                    bytes[at + field] = (byte)value;
                else
                    BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at + field), value);
                Add($"{what} of entry {entry}", bytes, says);
            }
        }

        var overlapping = good.Zip();
        overlapping.AsSpan(Record(overlapping, 2) + 42, 4).CopyTo(overlapping.AsSpan(Record(overlapping, 3) + 42));
        Add("overlapping records", overlapping, "another name");
        var counted = good.Zip();
        counted[^12] = counted[^14] = 200;
        Add("more entries than there are", counted, "");
        var moved = good.Zip();
        BinaryPrimitives.WriteInt32LittleEndian(moved.AsSpan(moved.Length - 6), 5);
        Add("a directory elsewhere", moved, "");

        // A pickle of zeros: small when packed, and 200 MB in memory.
        var bomb = NpyTests.Archive(CompressionLevel.Optimal, ("a/data.pkl", new byte[100_000]));
        foreach (var claimed in (int[])[200 << 20, 65 << 20])
        {
            var bytes = (byte[])bomb.Clone();
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Record(bytes, 0) + 24), claimed);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(22), claimed);
            Add($"a bomb of {claimed}", bytes, "cannot unpack");
        }

        Add("a packed pickle of zeros", NpyTests.Archive(CompressionLevel.Optimal, ("a/data.pkl", new byte[60 << 20])), "not a pickle");
        Add("a packed pickle above the limit", NpyTests.Archive(CompressionLevel.Optimal, ("a/data.pkl", new byte[70 << 20])), "at most 67108864");
    }

    private void Streams()
    {
        Add("a big-endian machine", Good().Legacy(little: false), "big-endian machine");
        Add("other counts", Good().Legacy(count: t => t.Count + 1), "elements here, the pickle says");
        Add("a count of -1", Good().Legacy(count: _ => -1), "-1 elements here");
        Add("a count of 2^62", Good().Legacy(count: _ => 1L << 62), "elements here, the pickle says");
        Add("no keys", Good().Legacy(keys: _ => { }), "lacks");
        Add("a key of nobody", Good().Legacy(keys: p => p.Text("999999")), "that no tensor has");
        Add("a key that is a number", Good().Legacy(keys: p => p.Raw((byte)'K', 0)), "that no tensor has");
        var twice = Good();
        Add("a key twice", twice.Legacy(keys: p => p.Text(twice.Tensors[0].Key).Text(twice.Tensors[0].Key)), "");
        var wrong = Good().Legacy();
        wrong[5] ^= 1;
        Add("another magic number", wrong, "pickle of Python");
        var protocol = Good().Legacy();
        protocol[18] ^= 1;
        Add("another protocol", protocol, "protocol");
        Add("an object of another kind", Good().Legacy(root: PickleBytes.Begin().Raw((byte)'K', 3).Op('.').ToArray()), "");
        Add("storages that a truncated file cannot hold", Huge().Legacy(), "it is truncated");
        Add("a view of a storage outside of it", Good().Legacy(root: Viewed(5, 1000)), "does not lie within");
        Add("a view of a storage before it", Good().Legacy(root: Viewed(-1, 1)), "does not lie within");

        CheckpointMaker Huge()
        {
            var maker = Good();
            maker.Tensors[0] = maker.Tensors[0] with { Count = 1L << 40 };
            return maker;
        }

        static byte[] Viewed(long offset, long size) => PickleBytes.Begin().Op('}').Text("w").Global("torch._utils", "_rebuild_tensor").Op('(')
            .Op('(').Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Int(10).Op('(').Text("7").Int(offset).Int(size).Op('t').Op('t').Op('Q')
            .Int(0).Ints(1).Ints(1).Op('t').Op('R').Op('s').Op('.').ToArray();
    }

    private void Machines()
    {
        foreach (var (what, ops, says) in ((string, byte[], string)[])[
            ("nothing", [], ""), ("protocol 1", [0x80, 1, (byte)'}', (byte)'.'], "protocol 1"), ("protocol 9", [0x80, 9, (byte)'}', (byte)'.'], "protocol 9"),
            ("no protocol", [(byte)'}', (byte)'.'], "not a pickle"), ("an empty stack", [0x80, 2, (byte)'.'], "wants one"), ("two values", [0x80, 2, (byte)'}', (byte)'}', (byte)'.'], "wants one"),
            ("a pickle within", [0x80, 2, 0x80, 2, (byte)'}', (byte)'.'], "inside of a pickle"), ("an unknown instruction", [0x80, 2, 0xff], "no instruction"),
            ("an item of nothing", [0x80, 2, (byte)'a'], "stack is empty"), ("no mark", [0x80, 2, (byte)'}', (byte)'u'], "no mark"), ("a mark left", [0x80, 2, (byte)'(', (byte)'}', (byte)'.'], ""),
            ("what is below a mark", [0x80, 2, (byte)'}', (byte)'(', (byte)'K', 1, (byte)'s', (byte)'.'], "stack is empty"),
            ("an unknown value", [0x80, 2, (byte)'h', 7, (byte)'.'], "never remembered"), ("a text of 4 GB", [0x80, 2, (byte)'X', 255, 255, 255, 255], "a text of 4294967295"),
            ("a text of 2^63", [0x80, 4, 0x8d, 0, 0, 0, 0, 0, 0, 0, 128], "a text of 9223372036854775808"), ("a frame of 2^63", [0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 128], "a frame of"),
            ("bytes of 4 GB", [0x80, 2, (byte)'B', 255, 255, 255, 255], "4294967295"), ("an integer of 2 GB", [0x80, 2, 0x8b, 255, 255, 255, 127], "an integer of"), ("an integer of 65 bytes", [0x80, 2, 0x8a, 65], "an integer of 65"),
            ("half of a character", [0x80, 2, (byte)'X', 1, 0, 0, 0, 0xff, (byte)'.'], "no UTF-8"), ("an odd dictionary", [0x80, 2, (byte)'}', (byte)'(', (byte)'K', 1, (byte)'u', (byte)'.'], "key without a value"),
            ("a key in a list", [0x80, 2, (byte)']', (byte)'K', 1, (byte)'K', 1, (byte)'s', (byte)'.'], "wants a dictionary"), ("an item in a dictionary", [0x80, 2, (byte)'}', (byte)'K', 1, (byte)'a', (byte)'.'], "wants a list"),
            ("a list as a key", [0x80, 2, (byte)'}', (byte)']', (byte)'K', 1, (byte)'s', (byte)'.'], "is a key"), ("a call of a number", [0x80, 2, (byte)'K', 1, (byte)')', (byte)'R', (byte)'.'], "no name"),
            ("a call without arguments", [0x80, 2, (byte)'c', (byte)'a', 10, (byte)'b', 10, (byte)'K', 1, (byte)'R', (byte)'.'], "no name"), ("a state of a number", [0x80, 2, (byte)'K', 1, (byte)'}', (byte)'b', (byte)'.'], "wants an object"),
            ("a name of numbers", [0x80, 4, (byte)'K', 1, (byte)'K', 2, 0x93, (byte)'.'], "wants two texts"), ("an id of a number", [0x80, 2, (byte)'K', 1, (byte)'Q', (byte)'.'], "no tuple"),
            ("an empty id", [0x80, 2, (byte)')', (byte)'Q', (byte)'.'], "neither a storage's"), ("a name with control characters", [0x80, 2, (byte)'c', 27, 10, (byte)'b', 10, (byte)'.'], "control characters")])
        {
            Add($"pickle: {what}", Good().Zip(ops), says);
        }

        foreach (var code in (byte[])[(byte)'i', (byte)'o', (byte)'P', (byte)'2', (byte)'0', (byte)'1', (byte)'I', (byte)'L', (byte)'F', (byte)'S', (byte)'V', (byte)'d', (byte)'l', (byte)'p', (byte)'g', 0x82, 0x83, 0x84, 0x8e, 0x91, 0x92, 0x96, 0x97, 0x98])
            Add($"instruction {code:x2}", With(p => p.Raw(code)), "is not read: no checkpoint that torch.save wrote has it");
    }

    private void Code()
    {
        foreach (var (module, name) in ((string, string)[])[
            ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("subprocess", "check_output"), ("builtins", "eval"), ("builtins", "exec"), ("__builtin__", "eval"),
            ("builtins", "__import__"), ("builtins", "open"), ("runpy", "_run_code"), ("importlib", "import_module"), ("ctypes", "CDLL"), ("shutil", "rmtree"), ("socket", "socket"), ("pty", "spawn"),
            ("webbrowser", "open"), ("pickle", "loads"), ("marshal", "loads"), ("sys", "exit"), ("urllib.request", "urlretrieve"), ("torch", "load"), ("torch.hub", "load"), ("numpy", "load"), ("numpy.testing._private.utils", "runstring")])
        {
            Add($"{module}.{name}", With(p => p.Call(module, name, "touch /tmp/pwned")), "that is no model but an attack");
        }

        Add("a name of protocol 4", With(p => p.Text("os").Text("system").Raw(0x93)), "that is no model but an attack");
        Add("a class of os", With(p => p.Global("os", "system").Op(')').Raw(0x81)), "that is no model but an attack");
        Add("in an old file", Good().Legacy(root: PickleBytes.Begin().Call("os", "system", "x").Op('.').ToArray()), "that is no model but an attack");
        Add("INST", With(p => p.Op('(').Text("x").Op('i').Raw("os\nsystem\n"u8)), "INST");
        Add("OBJ", With(p => p.Op('(').Global("collections", "OrderedDict").Text("x").Op('o')), "OBJ");
        // An unknown call is data, and data is no model.
        Add("an unknown call alone", Good().Zip(PickleBytes.Begin().Call("some.module", "function", "x").Op('.').ToArray()), "holds an object of some.module.function");
    }

    private void Abuse()
    {
        Add("10^6 nested tuples", With(p => p.Op(')').Repeat(1_000_000, 0x85)), "nested more than 256");
        Add("10^6 nested lists", With(p => p.Repeat(99_000, (byte)']').Repeat(98_999, (byte)'a')), "nested more than 256");
        Add("10^6 marks", With(p => p.Repeat(1_000_000, (byte)'(')), "more than 100000 marks");
        Add("10^6 values on the stack", With(p => p.Repeat(1_000_000, (byte)'N')), "wait on the stack");
        Add("value 2^32 - 1 remembered", With(p => p.Op('N').Raw((byte)'r', 255, 255, 255, 255)), "at most 1000000");
        Add("value 10^6 remembered", With(p => p.Op('N').Raw((byte)'r').U32(1_000_000)), "at most 1000000");
        Add("10^6 + 1 remembered", With(p => p.Op('N').Repeat(1_000_001, 0x94)), "at most 1000000");
        Add("10^6 lists", With(p => Lists(p, (byte)']')), "makes more than 500000");
        Add("10^6 dictionaries", With(p => Lists(p, (byte)'}')), "makes more than 500000");
        Add("10^6 numbers", With(p => Lists(p, (byte)'J', 1, 2, 3, 4)), "makes more than 500000");
        Add("10^6 values", With(p => Lists(p, (byte)'N')), "more than 1000000 values");
        Add("texts of 64 MB", With(p => Lists(p.Do(q => Texts(q, 64)))), "");
        Add("a text of 2 MB", With(p => p.Text(new string('x', 2 << 20))), "at most 1048576");
        Add("a name of 2 kB", With(p => p.Global(new string('x', 2000), "y")), "a name of more than 1024");
        Add("a list that holds itself", Good().Zip(PickleBytes.Begin().Op(']').Raw((byte)'q', 0, (byte)'h', 0).Op('a').Op('.').ToArray()), "no tensors");
        Add("a dictionary that holds itself", Good().Zip(PickleBytes.Begin().Op('}').Raw((byte)'q', 0).Text("model").Raw((byte)'h', 0).Op('s').Op('.').ToArray()), "");
        // 426 bytes that unfold to 2^60 leaves.
        Add("2^60 leaves", Good().Zip(Unfolding(60)), "");
        Add("2^60 modules", Good().Zip(ModulesTwice(60)), "characters together");
        Add("a module that holds itself", Good().Zip(PickleBytes.Begin().Do(p => Module(p, q => q.Text("self").Raw((byte)'h', 9), 9)).Op('.').ToArray()), "holds itself");
        Add("300 nested modules", Good().Zip(PickleBytes.Begin().Do(p => Nested(p, 300)).Op('.').ToArray()), "256");

        static void Lists(PickleBytes p, params ReadOnlySpan<byte> item)
        {
            p.Op(']');
            for (var i = 0; i < 150; i++)
                p.Op('(').Repeat(10_000, item).Op('e');
        }

        static void Texts(PickleBytes p, int count)
        {
            p.Op(']').Op('(');
            for (var i = 0; i < count; i++)
                p.Text(new string('x', 1 << 20));
            p.Op('e');
        }

        static byte[] Unfolding(int levels)
        {
            var p = PickleBytes.Begin().Op(']').Raw((byte)'q', 0);
            for (var i = 0; i < levels; i++)
                p.Op(']').Raw((byte)'h', (byte)i).Op('a').Raw((byte)'h', (byte)i).Op('a').Raw((byte)'q', (byte)(i + 1));
            return p.Repeat(levels, 0x86).Op('.').ToArray();
        }
    }

    private void Tensors()
    {
        void Changed(string name, string says, Func<TensorSpec, TensorSpec> change)
        {
            foreach (var legacy in (bool[])[false, true])
            {
                var maker = Good();
                maker.Tensors[0] = change(maker.Tensors[0]);
                Add($"{name} ({(legacy ? "legacy" : "zip")})", legacy ? maker.Legacy() : maker.Zip(), says);
            }
        }

        Changed("an offset of -1", "starts at element -1", t => t with { Offset = -1 });
        Changed("an offset beyond the storage", "reaches element", t => t with { Offset = t.Count });
        Changed("an offset of 2^63 - 1", "reaches element", t => t with { Offset = long.MaxValue });
        foreach (var offset in (long[])[1L << 60, long.MaxValue])
        {
            Changed($"nothing at element {offset}", "starts at element", t => t with { Offset = offset, Size = [0, 3], Stride = [3, 1] });
            // Last in the file, and of a name that nobody has: it must not be read either.
            var beyond = Good();
            beyond.Tensors.Add(beyond.Tensors[0] with { Name = "empty", Offset = beyond.Tensors[0].Count + (offset % 1000), Size = [0], Stride = [1] });
            Add($"nothing a little beyond its storage ({offset})", beyond.Zip(), "starts at element");
        }

        Changed("a negative stride", "stride 0 of a tensor is -1", t => t with { Stride = [-1, .. t.Stride[1..]] });
        Changed("a stride of 2^62", "", t => t with { Stride = [1L << 62, .. t.Stride[1..]], Size = [2, .. t.Size[1..]] });
        Changed("strides that wrap around", "reaches element", t => t with { Size = [3, 3, 1, 1], Stride = [long.MaxValue, long.MaxValue, 1, 1] });
        Changed("fewer strides", "dimensions with", t => t with { Stride = t.Stride[1..] });
        Changed("a negative size", "dimension 0 of a tensor is -1", t => t with { Size = [-1, .. t.Size[1..]] });
        Changed("a size of 2^31", "dimension 0 of a tensor is 2147483648", t => t with { Size = [1L << 31, .. t.Size[1..]] });
        Changed("an absurd shape", "has more values than any file", t => t with { Size = [int.MaxValue, int.MaxValue, int.MaxValue], Stride = [0, 0, 0] });
        Changed("expanded to 2^31 values", "repeats a storage", t => t with { Size = [int.MaxValue], Stride = [0] });
        Changed("40 dimensions", "at most 32", t => t with { Size = [.. Enumerable.Repeat(1L, 40)], Stride = [.. Enumerable.Repeat(1L, 40)] });
        Changed("more values than the storage", "reaches element", t => t with { Size = [t.Count + 1], Stride = [1] });
        Changed("a storage of -1", "has -1 elements", t => t with { Count = -1 });
        Changed("a storage of 2^62", "no more than a file can hold", t => t with { Count = 1L << 62 });
        Changed("an unknown storage", "is no storage that is known", t => t with { Storage = "NastyStorage" });
        Changed("a storage of another module", "is no storage that is known", t => t with { Module = "mine" });
        Changed("a tensor that is a number", "", t => t with { Instead = p => p.Int(3) });
        Changed("a call that is not understood", "does not understand", t => t with { Instead = p => p.Call("torch._utils", "_rebuild_everything", "x") });
        Changed("too few arguments", "does not understand", t => t with { Instead = p => p.Global("torch._utils", "_rebuild_tensor_v2").Op(')').Op('R') });

        var shorter = Good();
        shorter.Tensors[1] = shorter.Tensors[1] with { Data = shorter.Tensors[1].Data[..^1] };
        Add("a record shorter than declared", shorter.Zip(), "elements of float32 want");
        var longer = Good();
        longer.Tensors[1] = longer.Tensors[1] with { Data = [.. longer.Tensors[1].Data, 0, 0, 0, 0] };
        Add("a record longer than declared", longer.Zip(), "elements of float32 want");
        var typed = Good();
        typed.Tensors[1] = typed.Tensors[1] with { Key = typed.Tensors[0].Key, Storage = "IntStorage", Count = typed.Tensors[0].Count };
        Add("one storage of two types", typed.Zip(), "of int32 here");
        var counted = Good();
        counted.Tensors[1] = counted.Tensors[1] with { Key = counted.Tensors[0].Key, Count = counted.Tensors[0].Count + 1 };
        Add("one storage of two sizes", counted.Zip(), "elements of float32 here");
        var twice = Good();
        twice.Tensors.Add(twice.Tensors[0] with { Key = "999" });
        Add("a tensor twice", twice.Zip(), "appears twice in a dictionary");
        var key = Good();
        key.Tensors[0] = key.Tensors[0] with { Key = "../../../etc/passwd" };
        Add("a key that leaves the archive", NpyTests.Archive(CompressionLevel.NoCompression, ("a/data.pkl", key.Pickle()), ("a/data/0", [1])), "lacks the record");
        var named = Good();
        named.Tensors[0] = named.Tensors[0] with { Name = new string('n', 2000) };
        Add("a name of 2,000 characters", named.Zip(), "at most 1024 are accepted");
    }

    private void Modules()
    {
        Add("a module of a number", Good().Zip(PickleBytes.Begin().Do(p => Module(p, q => q.Text("x").Raw((byte)'K', 1), 9)).Op('.').ToArray()), "wants a module");
        Add("a module without tensors", Good().Zip(PickleBytes.Begin().Do(p => Module(p, _ => { }, 9)).Op('.').ToArray()), "no tensors");
        Add("an empty dictionary", Good().Zip(PickleBytes.Begin().Op('}').Op('.').ToArray()), "no tensors");
        Add("None", Good().Zip(PickleBytes.Begin().Op('N').Op('.').ToArray()), "no tensors");
        Add("a text", Good().Zip(PickleBytes.Begin().Text("hello").Op('.').ToArray()), "holds a text");
        Add("only an optimizer", Good().Zip(PickleBytes.Begin().Op('}').Text("optimizer").Op('}').Op('s').Op('.').ToArray()), "(optimizer)");
    }

    private void Values()
    {
        foreach (var value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            var maker = Good();
            var tensor = maker.Tensors[0];
            BinaryPrimitives.WriteSingleLittleEndian(tensor.Data, value);
            Add($"a weight of {value.ToString(CultureInfo.InvariantCulture)}", maker.Zip(), $"holds {value.ToString(CultureInfo.InvariantCulture)} at value 0");
        }

        var variance = Good();
        var at = variance.Tensors.FindIndex(t => t.Name.EndsWith(".running_var", StringComparison.Ordinal));
        BinaryPrimitives.WriteSingleLittleEndian(variance.Tensors[at].Data, -1);
        Add("a negative variance", variance.Zip(), "a variance is 0 or more");
        var missing = Good();
        missing.Tensors.RemoveAt(3);
        Add("a tensor that is missing", missing.Zip(), "lacks the tensor");
        var more = Good();
        more.Tensors.Add(more.Tensors[0] with { Name = "features.0.0.wieght", Key = "999" });
        Add("a tensor more", more.Zip(), "nearest of its own is 'features.0.0.weight'");
        var shape = Good();
        shape.Tensors[0] = shape.Tensors[0] with { Size = [shape.Tensors[0].Count], Stride = [1] };
        Add("a shape of another network", shape.Zip(), "");
        var complex = Good();
        complex.Tensors[0] = complex.Tensors[0] with { Storage = "ComplexFloatStorage", Count = complex.Tensors[0].Count / 2, Size = [complex.Tensors[0].Count / 2], Stride = [1] };
        Add("complex weights", complex.Zip(), "");
    }

    private byte[] With(Action<PickleBytes> extra)
    {
        var maker = Good();
        maker.Extra = extra;
        return maker.Zip();
    }

    // class(), with a state of the three dictionaries that a module has; it can be asked for again.
    private static void Module(PickleBytes p, Action<PickleBytes> children, byte remembered) =>
        p.Global("m", "Net").Op(')').Raw(0x81, (byte)'q', remembered).Op('}').Op('(').Text("_parameters").Op('}').Text("_buffers").Op('}').Text("_modules").Op('}').Op('(').Do(children).Op('u').Op('u').Op('b');

    private static byte[] ModulesTwice(int levels)
    {
        var p = PickleBytes.Begin().Op('}').Op('(').Text("0").Do(q => Module(q, _ => { }, 0));
        for (var i = 0; i < levels; i++)
        {
            var child = (byte)i;
            Module(p.Text($"{i + 1}"), q => q.Text("a").Raw((byte)'h', child).Text("b").Raw((byte)'h', child), (byte)(i + 1));
        }

        return p.Text("model").Raw((byte)'h', (byte)levels).Op('u').Op('.').ToArray();
    }

    // The end record has 22 bytes; the directory's offset stands at 16 of it.
    private static int Directory(byte[] bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(bytes.Length - 6));

    private static int Record(byte[] bytes, int entry)
    {
        var at = Directory(bytes);
        for (; entry > 0; entry--)
            at += 46 + BitConverter.ToUInt16(bytes, at + 28) + BitConverter.ToUInt16(bytes, at + 30) + BitConverter.ToUInt16(bytes, at + 32);
        return at;
    }
}

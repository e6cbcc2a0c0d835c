namespace EscNative.Tests.Formats;

/// <content>Small files of which much is asked: what is remembered and used again and again, and shapes without values.</content>
internal sealed partial class HostileCheckpoints
{
    // Calls and keys that take much and are asked for with two bytes.
    private void Copies()
    {
        var megabyte = new string('x', (1 << 20) - 1);
        Add("1 MB encoded 30,000 times", With(p => Calls(p.Global("_codecs", "encode").Raw((byte)'q', 0).Op('(').Text(megabyte).Text("latin1").Op('t'), 30_000)), "texts of more than");
        Add("a set of 10,000 items 30,000 times", With(p => Calls(p.Global("builtins", "set").Raw((byte)'q', 0).Do(q => Items(q, "N"u8)).Raw(0x85), 30_000)), "more than 1000000 values");
        Add("a dictionary of 10,000 pairs 30,000 times", With(p => Calls(
            p.Global("collections", "OrderedDict").Raw((byte)'q', 0).Do(q => Items(q, [(byte)'K', 1, (byte)'N', 0x86])).Raw(0x85), 30_000)), "more than 1000000 values");
        Add("a shape of 32 dimensions 90,000 times", With(p => Calls(
            p.Global("torch._utils", "_rebuild_meta_tensor_no_storage").Raw((byte)'q', 0).Op('(').Global("torch", "float32").Ints(new long[32]).Op('t'), 90_000)), "more than 1000000 values");
        Add("a key of 1 MB in 9,000 dictionaries", With(p =>
        {
            p.Op(']').Text(megabyte).Raw((byte)'q', 0).Op('a').Op('(');
            for (var i = 0; i < 9_000; i++)
                p.Op('}').Raw((byte)'h', 0, (byte)'N', (byte)'s');
            p.Op('e');
        }), "more than 1000000 values");
        Add("a storage called 1 MB", With(p => p.Op('(').Text("storage").Global("torch", "FloatStorage").Text(megabyte).Text("cpu").Int(10).Op('t').Op('Q')), "at most 256 are accepted");
        Add("a storage with control characters", With(p => p.Op('(').Text("storage").Global("torch", "FloatStorage").Text("a\u001b[2J").Text("cpu").Int(10).Op('t').Op('Q')), "no control characters");
        var dots = string.Join('.', Enumerable.Repeat("a", 500));
        Add("a name of 500 parts 90,000 times", With(p =>
        {
            p.Op(']').Text(dots).Raw((byte)'q', 0).Op('a').Op('(');
            for (var i = 0; i < 90_000; i++)
                p.Raw((byte)'h', 0, (byte)'h', 0, 0x93);
            p.Op('e');
        }), "more than 1000000 values");
        foreach (var (what, key) in ((string, string)[])[("1 MB", megabyte), ("600 characters", new string('x', 600))])
        {
            foreach (var root in (bool[])[true, false])
            {
                Add($"62 modules under one key of {what} ({(root ? "alone" : "by path")})", Good().Zip(PickleBytes.Begin().Do(p =>
                {
                    if (!root)
                        p.Op('}').Op('(').Text("a").Op('}').Text("t").Do(q => Meta(q, 1)).Op('s').Text("b");
                    p.Do(q => Nested(q, 62, key));
                    if (!root)
                        p.Op('u');
                }).Op('.').ToArray()), what == "1 MB" ? "" : "at most 1024 are accepted");
            }
        }

        // The callable and its arguments are remembered, and called again.
        static void Calls(PickleBytes p, int count) =>
            p.Raw((byte)'q', 1).Raw(0x86).Op(']').Op('(').Repeat(count, (byte)'h', 0, (byte)'h', 1, (byte)'R').Op('e').Raw(0x86);

        static void Items(PickleBytes p, ReadOnlySpan<byte> item) => p.Op(']').Op('(').Repeat(10_000, item).Op('e');
    }

    // Dictionaries that are written once and stand in many places.
    private void Visits()
    {
        Add("one dictionary of 160,000 entries in 40,000 places", Good().Zip(PickleBytes.Begin().Op('}').Op('(').Text("a").Op('}').Do(p => Entries(p, 4)).Raw((byte)'q', 0)
            .Do(p => Places(p, 40_000)).Op('u').Op('.').ToArray()), "entries of dictionaries to look at");
        Add("buffers of one dictionary in 10,000 modules", Good().Zip(PickleBytes.Begin().Op('}').Op('(').Text("a").Op('}').Do(p => Entries(p, 1)).Raw((byte)'q', 0)
            .Text("model").Do(p => Module(p, q => Children(q, 10_000), 1)).Op('u').Op('.').ToArray()), "entries of dictionaries to look at");
        Add("45,000 buffers of which none is saved", Good().Zip(PickleBytes.Begin().Global("m", "Net").Op(')').Raw(0x81).Op('}').Op('(').Text("_parameters").Op('}').Text("_modules").Op('}')
            .Text("_buffers").Op('}').Op('(').Do(p => Names(p, 45_000, value: true)).Op('u').Text("_non_persistent_buffers_set").Raw(0x8f).Op('(').Do(p => Names(p, 45_000, value: false)).Raw(0x90)
            .Op('u').Op('b').Op('.').ToArray()), "no tensors");

        static void Entries(PickleBytes p, int times)
        {
            for (var i = 0; i < times; i++)
                p.Op('(').Repeat(40_000, (byte)'K', 1, (byte)'N').Op('u');
        }

        static void Places(PickleBytes p, int count)
        {
            for (var i = 0; i < count; i++)
                p.Text($"a{i}").Raw((byte)'h', 0);
        }

        static void Names(PickleBytes p, int count, bool value)
        {
            for (var i = 0; i < count; i++)
            {
                p.Text($"b{i}");
                if (value)
                    p.Op('N');
            }
        }

        static void Children(PickleBytes p, int count)
        {
            for (var i = 0; i < count; i++)
            {
                p.Text($"{i}").Global("m", "Net").Op(')').Raw(0x81).Op('}').Op('(').Text("_parameters").Op('}').Text("_buffers").Raw((byte)'h', 0).Text("_modules").Op('}').Op('u').Op('b');
            }
        }
    }

    // Tensors that have a shape and no values: no memory is taken for it.
    private void WithoutValues()
    {
        (string Name, long[] Shape)[] allCnn = [("features.0.0.weight", [384, 3, 3, 3]), ("head.0.weight", [1 << 20, 768])];
        Add("All-CNN on the device meta", Metas(allCnn), "is on the device 'meta'");
        Add("All-CNN of 2^31 channels", Metas([("features.0.0.weight", [384, int.MaxValue, 3, 3]), ("head.0.weight", [10, 768])]), "is not a model that this version knows");
        Add("All-CNN of 1,025 channels", Metas([("features.0.0.weight", [384, 1025, 3, 3]), ("head.0.weight", [10, 768])]), "is not a model that this version knows");
        foreach (var (what, channels, says) in ((string, long, string)[])[("meta", 3, "is on the device 'meta'"), ("2^31 channels", int.MaxValue, "is not a model that this version knows"), ("no channels", 0, "is not a model that this version knows")])
        {
            Add($"ResNet: {what}", Metas([("conv1.weight", [256, channels, 7, 7]), ("fc.weight", [1 << 20, 2048]), .. Blocks(2, 2, 2, 2)]), says);
            Add($"ViT: {what}", Metas([
                ("patch_embed.proj.weight", [768, channels, 16, 16]), ("cls_token", [1, 1, 768]), ("pos_embed", [1, 1 + (14 * 14), 768]), ("blocks.11.mlp.fc1.weight", [3072, 768]),
                ("head.weight", [1000, 768])]), says);
        }

        foreach (var (what, call, says) in ((string, string, string)[])[("sparse", "_rebuild_sparse_tensor", "to_dense()"), ("nested", "_rebuild_nested_tensor", "save plain tensors")])
        {
            var maker = Good();
            maker.Tensors[0] = maker.Tensors[0] with { Instead = p => p.Global("torch._utils", call).Op('(').Op('N').Op('(').Op('N').Ints(maker.Tensors[0].Size).Op('t').Op('t').Op('R') };
            Add($"a {what} weight", maker.Zip(), what == "sparse" ? says : "");
            maker = Good();
            maker.Tensors[^1] = maker.Tensors[^1] with { Instead = p => p.Global("torch._utils", call).Op('(').Op('N').Op('(').Op('N').Ints(1000).Op('t').Op('t').Op('R') };
            Add($"a {what} last weight", maker.Zip(), says);
        }

        static IEnumerable<(string Name, long[] Shape)> Blocks(params int[] stages)
        {
            for (var s = 0; s < stages.Length; s++)
            {
                for (var b = 0; b < stages[s]; b++)
                    yield return ($"layer{s + 1}.{b}.conv1.weight", [1, 1, 3, 3]);
            }
        }

        byte[] Metas(IEnumerable<(string Name, long[] Shape)> tensors)
        {
            var p = PickleBytes.Begin().Op('}').Op('(');
            foreach (var (name, shape) in tensors)
                Meta(p.Text(name), shape);
            return Good().Zip(p.Op('u').Op('.').ToArray());
        }
    }

    private static void Meta(PickleBytes p, params ReadOnlySpan<long> shape) =>
        p.Global("torch._utils", "_rebuild_meta_tensor_no_storage").Op('(').Global("torch", "float32").Ints(shape).Ints(shape).Raw(0x89).Op('t').Op('R');

    // The key is written once.
    private static void Nested(PickleBytes p, int levels, string key = "x")
    {
        Level(p, levels);

        void Level(PickleBytes into, int left)
        {
            if (left == 0)
                into.Op('N');
            else
                Module(into, q => (left == levels ? q.Text(key).Raw((byte)'q', 2) : q.Raw((byte)'h', 2)).Do(r => Level(r, left - 1)), 1);
        }
    }
}

namespace EscNative.Engine.Formats;

/// <summary>What of Python's pickles is not read: instructions that no checkpoint needs, and names that only attacks have.</summary>
internal static class PickleOpcodes
{
    // Modules of which a model needs nothing, and of which one call is enough to take a machine.
    private static readonly HashSet<string> Modules = new(StringComparer.Ordinal)
    {
        "os", "posix", "nt", "subprocess", "sys", "pty", "socket", "shutil", "runpy", "importlib", "ctypes", "commands", "popen2", "webbrowser", "asyncio",
        "signal", "imp", "pdb", "bdb", "timeit", "cProfile", "pip", "ensurepip", "venv", "requests", "urllib", "urllib2", "http", "ftplib", "smtplib",
        "telnetlib", "xmlrpc", "pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "io", "_io",
    };

    private static readonly HashSet<string> Functions = new(StringComparer.Ordinal)
    {
        "eval", "exec", "execfile", "compile", "open", "__import__", "apply", "input", "raw_input", "file", "breakpoint", "globals", "locals", "vars",
        "setattr", "delattr", "reload", "exit", "quit", "__build_class__",
    };

    // Functions of PyTorch and NumPy that load further files or run what they are told.
    private static readonly HashSet<string> Loaders = new(StringComparer.Ordinal)
    {
        "torch.load", "torch.serialization.load", "torch.hub.load", "torch.jit.load", "numpy.load", "torch.utils.model_zoo.load_url",
        "torch.hub.load_state_dict_from_url", "numpy.testing._private.utils.runstring", "numpy.testing.utils.runstring", "torch.compile",
        "torch._dynamo.optimize", "torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline", "torch.distributed.rpc.rpc_sync",
    };

    private const int LongestLoader = 80;

    /// <summary>Whether a name is one that a pickle has only to make Python do something.</summary>
    public static bool IsDangerous(string module, string name)
    {
        if (module is "builtins" or "__builtin__" or "__builtins__")
            return Functions.Contains(First(name));
        return Modules.Contains(First(module)) || (module.Length + name.Length < LongestLoader && Loaders.Contains($"{module}.{name}"));
    }

    private static string First(string name) => name.IndexOf('.', StringComparison.Ordinal) is >= 0 and var dot ? name[..dot] : name;

    /// <summary>Why an instruction is not read.</summary>
    public static string Refusal(int code)
    {
        var name = code switch
        {
            'i' => "INST",
            'o' => "OBJ",
            0x82 => "EXT1",
            0x83 => "EXT2",
            0x84 => "EXT4",
            'P' => "PERSID",
            '2' => "DUP",
            '0' => "POP",
            '1' => "POP_MARK",
            'I' => "INT",
            'L' => "LONG",
            'F' => "FLOAT",
            'S' => "STRING",
            'V' => "UNICODE",
            'd' => "DICT",
            'l' => "LIST",
            'p' => "PUT",
            'g' => "GET",
            0x8e => "BINBYTES8",
            0x91 => "FROZENSET",
            0x92 => "NEWOBJ_EX",
            0x96 => "BYTEARRAY8",
            0x97 => "NEXT_BUFFER",
            0x98 => "READONLY_BUFFER",
            _ => null,
        };
        return name is null
            ? $"byte {code:x2} is no instruction of a pickle: the file is damaged"
            : $"the pickle's instruction {name} is not read: no checkpoint that torch.save wrote has it";
    }
}

using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda.Loading;

/// <summary>Strings as C wants them, for the length of a call.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly byte** _pointers;
    private readonly int _count;

    public NativeStrings(ReadOnlySpan<string> strings)
    {
        _pointers = (byte**)NativeMemory.AllocZeroed((nuint)strings.Length, (nuint)sizeof(byte*));
        _count = strings.Length;
        for (var i = 0; i < _count; i++)
            _pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
    }

    public byte* this[int i] => _pointers[i];

    /// <summary>The array of pointers from one of them on.</summary>
    public byte** From(int i) => _pointers + i;

    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
            Marshal.FreeCoTaskMem((nint)_pointers[i]);
        NativeMemory.Free(_pointers);
    }
}

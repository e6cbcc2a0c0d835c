namespace EscNative.Engine.Formats;

/// <summary>Arrays by name from a file of whatever format: what there is is known at once, values are read when they are asked for.</summary>
/// <remarks>Whatever is wrong with the content is a <see cref="DataFormatException"/>. Not thread-safe. Disposing closes the file.</remarks>
public interface INamedArraySource : IDisposable
{
    /// <summary>The file's name, for messages.</summary>
    string Name { get; }

    /// <summary>The arrays in the order of the file.</summary>
    IReadOnlyList<NamedArrayInfo> Entries { get; }

    /// <summary>What the file says in words beside the arrays; empty for formats that have no room for it.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>What a reader of the file must know of how it was understood: what was left aside, for example. Empty where there is nothing to say.</summary>
    IReadOnlyList<string> Remarks => [];

    /// <summary>What is known about an array, or null where there is none of that name.</summary>
    /// <param name="name">The array's name.</param>
    NamedArrayInfo? Find(string name);

    /// <summary>Reads one array.</summary>
    /// <param name="name">The array's name.</param>
    /// <exception cref="DataFormatException">There is no such array, its element type is not read, it has 2 GiB or more, or the file is damaged.</exception>
    NamedArray Read(string name);
}

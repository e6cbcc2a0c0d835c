using System.Text.Json.Nodes;

namespace EscNative.Bench.Peers;

/// <summary>Another engine that does the same work on request.</summary>
internal interface IPeer
{
    /// <summary>Its name and version.</summary>
    string Name { get; }

    /// <summary>What else decides its speed: language, thread pool, libraries.</summary>
    string Software { get; }

    /// <summary>Whether it can write the model as ONNX (operations <c>export</c> and <c>read</c>).</summary>
    bool Exports { get; }

    /// <summary>Whether it reads its model as ONNX.</summary>
    bool NeedsOnnx { get; }

    /// <summary>Processor time that it has used.</summary>
    TimeSpan ProcessorTime { get; }

    /// <summary>Its ways to do an operation; none where it does not know the operation at all.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="architecture">The network, or null where the operation is on none.</param>
    /// <exception cref="UsageException">It does the operation, but not with this network.</exception>
    IReadOnlyList<string> Variants(string operation, string? architecture);

    /// <summary>Sends a request and waits for the answer.</summary>
    /// <exception cref="UsageException">It ended or answered nothing that can be read.</exception>
    JsonObject Ask(JsonObject request);
}

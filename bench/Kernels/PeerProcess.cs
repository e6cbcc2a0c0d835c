using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EscNative.Bench.Kernels;

/// <summary>Another engine in a process of its own, asked for one measurement at a time (see <c>bench/pytorch/peer.py</c>).</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts the peer and asks who it is.</summary>
    /// <param name="command">A command line: the program and its arguments, separated by blanks.</param>
    /// <exception cref="UsageException">It does not start, or does not answer.</exception>
    public PeerProcess(string command)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            throw new UsageException("peer: got an empty command, wants for example 'python3 bench/pytorch/peer.py'");
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception cause)
        {
            throw new UsageException($"peer: '{words[0]}' does not start: {cause.Message}");
        }

        Name = $"PyTorch {Ask(new JsonObject { ["op"] = "hello" })["torch"]}";
    }

    /// <summary>Who answers.</summary>
    public string Name { get; }

    /// <summary>Sends a request and waits for the answer.</summary>
    /// <exception cref="UsageException">The peer ended or answered no JSON.</exception>
    public JsonObject Ask(JsonObject request)
    {
        _process.StandardInput.WriteLine(request.ToJsonString());
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine();
        try
        {
            return JsonNode.Parse(line ?? "")!.AsObject();
        }
        catch (JsonException)
        {
            throw new UsageException($"peer: wants a JSON line for an answer, got '{line ?? "its end"}' to {request.ToJsonString()}");
        }
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using EscNative.Bench.Cli;

namespace EscNative.Bench.Peers;

/// <summary>Another engine in a process of its own: one JSON line a request, one an answer (see <c>bench/peers/protocol.py</c>).</summary>
internal sealed class PeerProcess : IPeer, IDisposable
{
    private const string AnyOther = "*";

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly JsonObject _hello;
    private readonly string _name;
    private TimeSpan _lastProcessorTime;

    /// <summary>Starts the peer and asks who it is.</summary>
    /// <param name="command">A command line: the program and its arguments, separated by blanks.</param>
    /// <exception cref="UsageException">It does not start, or does not answer.</exception>
    public PeerProcess(string command)
    {
        _name = command;
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            throw new UsageException("--peer: got an empty command, wants one such as 'python3 bench/peers/pytorch_peer.py'");
        var start = new ProcessStartInfo(words[0], words[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception cause)
        {
            throw new UsageException($"--peer: '{words[0]}' does not start: {cause.Message}");
        }

        try
        {
            _hello = Ask(new JsonObject { ["op"] = "hello" });
            _name = Text("name") ?? throw new UsageException($"--peer: '{command}' answers {PlainText.Of(_hello.ToJsonString())}, wants a name");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name => _name;

    public string Software => Text("software") ?? "";

    public bool Exports => _hello["exports"]?.GetValue<bool>() == true;

    public bool NeedsOnnx => _hello["needsOnnx"]?.GetValue<bool>() == true;

    public TimeSpan ProcessorTime
    {
        get
        {
            try
            {
                _process.Refresh();
                return _lastProcessorTime = _process.TotalProcessorTime;
            }
            catch (InvalidOperationException)
            {
                // It has ended, which the next request will tell.
                return _lastProcessorTime;
            }
        }
    }

    public IReadOnlyList<string> Variants(string operation, string? architecture)
    {
        // A list is for whatever network; an object has one for each that the peer knows, and perhaps one for all others.
        var known = (_hello["variants"] as JsonObject)?[operation];
        if (known is JsonObject networks && architecture is not null)
            known = networks[architecture] ?? networks[AnyOther] ?? throw new UsageException($"peers: {_name} has no {architecture} for {operation}, only {string.Join(", ", networks.Select(n => PlainText.Of(n.Key)))}");
        return known is JsonArray names ? [.. names.Select(v => v is JsonValue text && text.TryGetValue(out string? name) ? PlainText.Of(name) : throw new UsageException($"peers: {_name} names its variants of {operation} by {v?.ToJsonString() ?? "null"}, wants texts"))] : [];
    }

    public JsonObject Ask(JsonObject request)
    {
        try
        {
            _process.StandardInput.WriteLine(request.ToJsonString());
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // The peer has ended; what it said last may say why.
        }

        var line = _process.StandardOutput.ReadLine();
        JsonObject answer;
        try
        {
            answer = JsonNode.Parse(line ?? "")!.AsObject();
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            throw new UsageException($"--peer: wants a JSON line for an answer, got '{Short(line ?? "its end")}' to operation {request["op"]}");
        }

        return answer["error"] is null
            ? answer
            : throw new EscException(ErrorCode.BadInput, $"--peer: {_name} failed at {request["op"]}: {Short(answer["error"]!.ToString())}");
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended with a request unread.
        }

        if (!_process.WaitForExit(Farewell))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private string? Text(string name) => _hello[name] is JsonValue value && value.TryGetValue<string>(out var text) ? PlainText.Of(text) : null;

    private static string Short(string line) => PlainText.Of(line.Length > 200 ? line[..200] + "..." : line);
}

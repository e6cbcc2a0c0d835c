// ONNX Runtime's side of `escnative peers` from NuGet, where the newest version is. The protocol is that of protocol.py.
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;

var blobs = new Dictionary<string, MemoryStream>();
var prepared = (Key: "", Session: (InferenceSession?)null, Input: (OrtValue?)null);
using var options = new RunOptions();

while (Console.In.ReadLine() is { } line)
{
    var request = JsonNode.Parse(line)!.AsObject();
    JsonObject answer;
    try
    {
        answer = (string)request["op"]! switch
        {
            "hello" => Hello(),
            "blob" => Store(request),
            "forward" => Forward(request),
            var other => throw new NotSupportedException($"no operation {other}"),
        };
    }
    catch (Exception failure)
    {
        answer = new JsonObject { ["error"] = $"{failure.GetType().Name}: {failure.Message}" };
    }

    Console.Out.WriteLine(answer.ToJsonString());
    Console.Out.Flush();
}

JsonObject Hello() => new()
{
    ["name"] = $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}",
    ["software"] = $"{RuntimeInformation.FrameworkDescription}, all graph optimisations",
    ["variants"] = new JsonObject { ["forward"] = new JsonArray("cpu") },
    ["needsOnnx"] = true,
};

JsonObject Store(JsonObject r)
{
    var name = (string)r["name"]!;
    if (((int?)r["offset"] ?? 0) == 0)
        blobs[name] = new MemoryStream();
    blobs[name].Write(Convert.FromBase64String((string)r["data"]!));
    prepared.Key = "";
    return new JsonObject { ["bytes"] = blobs[name].Length };
}

// Session and input of the last request but for its seconds: they are asked for in every round.
void Prepare(JsonObject r)
{
    var key = r.DeepClone().AsObject();
    key.Remove("seconds");
    if (prepared.Key == key.ToJsonString())
        return;
    prepared.Session?.Dispose();
    prepared.Input?.Dispose();
    // A session that cannot be made leaves none behind.
    prepared = ("", null, null);
    using var how = new SessionOptions
    {
        GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        IntraOpNumThreads = (int)r["threads"]!,
        InterOpNumThreads = 1,
        LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
    };
    var (batch, channels, height, width) = ((int)r["batch"]!, (int)r["channels"]!, (int)r["height"]!, (int)r["width"]!);
    var images = Planar(MemoryMarshal.Cast<byte, float>(blobs[(string)r["images"]!].ToArray()), batch, channels, height * width);
    prepared = (
        key.ToJsonString(), new InferenceSession(blobs["onnx"].ToArray(), how), OrtValue.CreateTensorValueFromMemory(images, [batch, channels, height, width]));
    Run().Dispose();
}

// [n, h, w, c] to [n, c, h, w].
static float[] Planar(ReadOnlySpan<float> x, int batch, int channels, int pixels)
{
    var y = new float[batch * channels * pixels];
    for (var n = 0; n < batch; n++)
    {
        for (var c = 0; c < channels; c++)
        {
            for (var i = 0; i < pixels; i++)
                y[(((n * channels) + c) * pixels) + i] = x[(((n * pixels) + i) * channels) + c];
        }
    }

    return y;
}

IDisposableReadOnlyCollection<OrtValue> Run() => prepared.Session!.Run(options, ["x"], [prepared.Input!], ["y"]);

JsonObject Forward(JsonObject r)
{
    Prepare(r);
    byte[] output;
    using (var result = Run())
        output = MemoryMarshal.AsBytes(result[0].GetTensorDataAsSpan<float>()).ToArray();
    var (seconds, calls) = Measure((double)r["seconds"]!);
    return new JsonObject { ["seconds"] = seconds, ["calls"] = calls, ["output"] = Convert.ToBase64String(output) };
}

// As in protocol.py: three calls at the least, unless they are long.
(double Seconds, int Calls) Measure(double seconds)
{
    var times = new List<double>();
    var begun = Stopwatch.GetTimestamp();
    for (double passed = 0; passed < seconds || times.Count < 3; passed = Stopwatch.GetElapsedTime(begun).TotalSeconds)
    {
        if (times.Count > 0 && passed >= 3 * seconds)
            break;
        var start = Stopwatch.GetTimestamp();
        Run().Dispose();
        times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    times.Sort();
    return ((times[(times.Count - 1) / 2] + times[times.Count / 2]) / 2, times.Count);
}

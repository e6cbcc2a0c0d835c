using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EscNative.Tests.Bench.Exports;

/// <summary>Strict readers of the formats, from their own documentation: each throws at what its consumer would refuse or misread.</summary>
internal static partial class Formats
{
    /// <summary>RFC 4180: every line ends with CR LF, every record has as many fields as the header.</summary>
    public static string[][] Csv(string text)
    {
        var (records, record, field, at) = (new List<string[]>(), new List<string>(), "", 0);
        while (at < text.Length)
        {
            if (text[at] == '"')
            {
                for (at++; ; at++)
                {
                    if (text[at] != '"')
                        field += text[at];
                    else if (at + 1 < text.Length && text[at + 1] == '"')
                        field += text[at++];
                    else
                        break;
                }

                at++;
                Assert.True(text[at] is ',' or '\r', "a quote ends inside of a field");
            }
            else
            {
                for (; text[at] is not (',' or '\r'); at++)
                {
                    Assert.False(text[at] is '"' or '\n', "a quote or a line feed in a plain field");
                    field += text[at];
                }
            }

            record.Add(field);
            field = "";
            if (text[at++] == ',')
                continue;
            Assert.Equal('\n', text[at++]);
            records.Add([.. record]);
            record.Clear();
        }

        Assert.Empty(record);
        Assert.All(records, r => Assert.Equal(records[0].Length, r.Length));
        return [.. records];
    }

    /// <summary>The tables of GitHub's Markdown: title, then rows of as many cells as the header has.</summary>
    public static Dictionary<string, string[][]> Markdown(string text)
    {
        var tables = new Dictionary<string, string[][]>();
        var (title, rows) = ("", new List<string[]>());
        foreach (var line in text.Split('\n').Append(""))
        {
            if (line.StartsWith('#'))
                title = line.TrimStart('#', ' ');
            if (line.StartsWith('|'))
            {
                Assert.EndsWith("|", line, StringComparison.Ordinal);
                rows.Add([.. CellBorder().Split(line)[1..^1].Select(cell => cell.Trim())]);
            }
            else if (rows.Count > 0)
            {
                Assert.All(rows[1], cell => Assert.Matches("^---:?$", cell));
                Assert.All(rows, row => Assert.Equal(rows[0].Length, row.Length));
                tables.Add(title, [.. rows.Where((_, i) => i != 1)]);
                rows.Clear();
            }
        }

        return tables;
    }

    /// <summary>Trace Event Format: complete slices that nest on their thread, counters and metadata.</summary>
    public static JsonElement[] Trace(JsonElement file)
    {
        Assert.Equal("ms", file.GetProperty("displayTimeUnit").GetString());
        var events = file.GetProperty("traceEvents").EnumerateArray().ToArray();
        var open = new Dictionary<int, Stack<(double End, string Name)>>();
        var last = new Dictionary<int, double>();
        foreach (var e in events)
        {
            var thread = e.GetProperty("tid").GetInt32();
            Assert.Equal(1, e.GetProperty("pid").GetInt32());
            Assert.NotEmpty(e.GetProperty("name").GetString()!);
            switch (e.GetProperty("ph").GetString())
            {
                case "M":
                    Assert.Contains(e.GetProperty("name").GetString(), (string[])["process_name", "thread_name", "thread_sort_index"]);
                    Assert.Single(e.GetProperty("args").EnumerateObject());
                    break;
                case "C":
                    Assert.True(e.GetProperty("ts").GetDouble() >= 0);
                    Assert.All(e.GetProperty("args").EnumerateObject(), series => Assert.Equal(JsonValueKind.Number, series.Value.ValueKind));
                    break;
                case "X":
                    var (start, duration) = (e.GetProperty("ts").GetDouble(), e.GetProperty("dur").GetDouble());
                    Assert.True(duration >= 0 && start >= last.GetValueOrDefault(thread), "slices of a thread begin in their order");
                    last[thread] = start;
                    var stack = open.TryGetValue(thread, out var known) ? known : open[thread] = new();
                    // A microsecond is what viewers resolve.
                    while (stack.Count > 0 && stack.Peek().End <= start + 1e-3)
                        stack.Pop();
                    Assert.True(stack.Count == 0 || start + duration <= stack.Peek().End + 1e-3, "a slice ends within the one that holds it");
                    stack.Push((start + duration, e.GetProperty("name").GetString()!));
                    break;
                default:
                    Assert.Fail($"unknown phase {e.GetProperty("ph")}");
                    break;
            }
        }

        return events;
    }

    /// <summary>Speedscope's file format: frames by index, events that open and close in their order.</summary>
    public static void Speedscope(JsonElement file)
    {
        Assert.Equal("https://www.speedscope.app/file-format-schema.json", file.GetProperty("$schema").GetString());
        Only(file, "$schema", "shared", "profiles", "name", "activeProfileIndex", "exporter");
        var frames = file.GetProperty("shared").GetProperty("frames").EnumerateArray().Select(frame => frame.GetProperty("name").GetString()!).ToArray();
        Assert.Equal(frames.Length, frames.Distinct().Count());
        var profiles = file.GetProperty("profiles").EnumerateArray().ToArray();
        Assert.InRange(file.GetProperty("activeProfileIndex").GetInt32(), 0, profiles.Length - 1);
        foreach (var profile in profiles)
        {
            Only(profile, "type", "name", "unit", "startValue", "endValue", "events");
            Assert.Equal("evented", profile.GetProperty("type").GetString());
            Assert.Contains(profile.GetProperty("unit").GetString(), (string[])["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"]);
            var (stack, at) = (new Stack<int>(), profile.GetProperty("startValue").GetDouble());
            foreach (var e in profile.GetProperty("events").EnumerateArray())
            {
                Only(e, "type", "frame", "at");
                Assert.True(e.GetProperty("at").GetDouble() >= at, "events are in the order of time");
                at = e.GetProperty("at").GetDouble();
                var frame = e.GetProperty("frame").GetInt32();
                Assert.InRange(frame, 0, frames.Length - 1);
                if (e.GetProperty("type").GetString() == "O")
                    stack.Push(frame);
                else
                    Assert.Equal(frame, stack.Pop());
            }

            Assert.Empty(stack);
            Assert.Equal(at, profile.GetProperty("endValue").GetDouble(), 9);
        }
    }

    /// <summary>Bencher Metric Format: the JSON schema of its documentation, and the lengths and slugs that it states.</summary>
    public static void Bencher(JsonElement file)
    {
        foreach (var benchmark in file.EnumerateObject())
        {
            Assert.InRange(benchmark.Name.Length, 1, 1024);
            foreach (var measure in benchmark.Value.EnumerateObject())
            {
                Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", measure.Name);
                Assert.InRange(measure.Name.Length, 1, 64);
                Only(measure.Value, "value", "lower_value", "upper_value");
                Assert.All(measure.Value.EnumerateObject(), metric => Assert.Equal(JsonValueKind.Number, metric.Value.ValueKind));
                Assert.True(measure.Value.TryGetProperty("value", out _));
            }
        }
    }

    /// <summary>github-action-benchmark: its BenchmarkResult, under names that are unique.</summary>
    public static void GitHubAction(JsonElement file)
    {
        var names = new HashSet<string>();
        foreach (var entry in file.EnumerateArray())
        {
            Only(entry, "name", "value", "unit", "range", "extra");
            Assert.True(names.Add(entry.GetProperty("name").GetString()!));
            Assert.Equal(JsonValueKind.Number, entry.GetProperty("value").ValueKind);
            Assert.NotEmpty(entry.GetProperty("unit").GetString()!);
            foreach (var optional in (string[])["range", "extra"])
                Assert.True(!entry.TryGetProperty(optional, out var text) || text.ValueKind == JsonValueKind.String);
        }
    }

    /// <summary>Google Benchmark: what its compare.py reads of each entry, and repetitions that are counted right.</summary>
    public static void GoogleBenchmark(JsonElement file)
    {
        Assert.Equal(1, file.GetProperty("context").GetProperty("json_schema_version").GetInt32());
        foreach (var run in file.GetProperty("benchmarks").EnumerateArray().GroupBy(entry => entry.GetProperty("run_name").GetString()!))
        {
            Assert.Single(run.Select(entry => entry.GetProperty("family_index").GetInt32()).Distinct());
            Assert.All(run, entry =>
            {
                Assert.Contains(entry.GetProperty("time_unit").GetString(), (string[])["ns", "us", "ms", "s"]);
                Assert.True(entry.GetProperty("real_time").GetDouble() >= 0 && entry.GetProperty("cpu_time").GetDouble() >= 0);
                Assert.True(entry.GetProperty("iterations").GetInt64() > 0 && entry.GetProperty("threads").GetInt32() > 0);
            });
            var iterations = run.Where(entry => entry.GetProperty("run_type").GetString() == "iteration").ToArray();
            Assert.All(iterations, entry => Assert.Equal(run.Key, entry.GetProperty("name").GetString()));
            Assert.Equal(Enumerable.Range(0, iterations.Length), iterations.Select(entry => entry.GetProperty("repetition_index").GetInt32()));
            Assert.All(run, entry => Assert.Equal(iterations.Length, entry.GetProperty("repetitions").GetInt32()));
            Assert.All(run.Except(iterations), entry =>
            {
                Assert.Equal("aggregate", entry.GetProperty("run_type").GetString());
                Assert.Equal($"{run.Key}_{entry.GetProperty("aggregate_name").GetString()}", entry.GetProperty("name").GetString());
            });
        }
    }

    /// <summary>hyperfine: the fields of its BenchmarkResult.</summary>
    public static void Hyperfine(JsonElement file)
    {
        Only(file, "results");
        foreach (var result in file.GetProperty("results").EnumerateArray())
        {
            Only(result, "command", "mean", "stddev", "median", "user", "system", "min", "max", "times", "exit_codes", "parameters");
            foreach (var number in (string[])["mean", "median", "min", "max"])
                Assert.Equal(JsonValueKind.Number, result.GetProperty(number).ValueKind);
            var times = result.TryGetProperty("times", out var all) ? all.EnumerateArray().Select(time => time.GetDouble()).ToArray() : [];
            Assert.Equal(times.Length, result.GetProperty("exit_codes").GetArrayLength());
            Assert.Equal(times.Length > 1 ? JsonValueKind.Number : JsonValueKind.Null, result.GetProperty("stddev").ValueKind);
            Assert.True(times.Length == 0 || (times.Min(), times.Max()) == (result.GetProperty("min").GetDouble(), result.GetProperty("max").GetDouble()));
            Assert.All(result.GetProperty("parameters").EnumerateObject(), parameter => Assert.Equal(JsonValueKind.String, parameter.Value.ValueKind));
        }
    }

    /// <summary>The fields of an object, no others.</summary>
    public static void Only(JsonElement value, params string[] known) =>
        Assert.All(value.EnumerateObject(), field => Assert.Contains(field.Name, known));

    public static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    // A bar that no backslash escapes.
    [GeneratedRegex(@"(?<!(?<!\\)\\)\|")]
    private static partial Regex CellBorder();
}

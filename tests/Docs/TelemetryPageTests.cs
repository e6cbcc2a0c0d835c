using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using EscNative.Models;

namespace EscNative.Tests.Docs;

/// <summary>The C# block of docs/telemetry.md, compiled and run.</summary>
[Collection(nameof(EscNative.Tests.Models.TelemetryTests))]
public sealed partial class TelemetryPageTests
{
    [Fact]
    public void The_snippet_hears_an_epoch()
    {
        var output = Console.Out;
        using var heard = new StringWriter();
        Console.SetOut(heard);
        try
        {
            // snippet: listen
            using var activities = new ActivityListener
            {
                ShouldListenTo = source => source.Name == Telemetry.Name,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = activity => Console.WriteLine($"{activity.OperationName}: {activity.Duration.TotalMilliseconds:0.00} ms"),
            };
            ActivitySource.AddActivityListener(activities);
            using var metrics = new MeterListener
            {
                InstrumentPublished = (instrument, listener) =>
                {
                    if (instrument.Meter.Name == Telemetry.Name)
                        listener.EnableMeasurementEvents(instrument);
                },
            };
            metrics.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Console.WriteLine($"{instrument.Name}: {value:0.0000} {instrument.Unit}"));
            metrics.Start();
            // end
            using (Telemetry.Epoch("train", 0))
            {
            }
        }
        finally
        {
            Console.SetOut(output);
        }

        Assert.Contains("epoch: ", heard.ToString(), StringComparison.Ordinal);
        Assert.Contains("escnative.epoch.duration: ", heard.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_has_that_text()
    {
        static string Normal(string text) => string.Join('\n', text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));
        var source = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Docs", "TelemetryPageTests.cs"));
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "telemetry.md"));
        Assert.Equal(Normal(Snippet().Match(source).Groups[1].Value), Normal(Block().Match(page).Groups[1].Value));
    }

    [GeneratedRegex(@"// snippet: listen\n(.*?)// end\n", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}

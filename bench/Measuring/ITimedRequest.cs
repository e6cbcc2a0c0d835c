using EscNative.Models;

namespace EscNative.Bench.Measuring;

/// <summary>A request that can be run again and again, each time from the start.</summary>
internal interface ITimedRequest
{
    /// <summary>Runs the whole request.</summary>
    /// <param name="recorder">Told when a stage begins and ends, and what it had to do; or null to run as a user's program does,
    /// where nothing waits that does not have to.</param>
    /// <param name="cancel">Stops it.</param>
    void Run(StageRecorder? recorder, CancellationToken cancel);
}

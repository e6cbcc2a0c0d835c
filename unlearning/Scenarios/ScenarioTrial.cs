using EscNative.Models.Data;

namespace EscNative.Unlearning.Scenarios;

/// <summary>One repetition of a scenario.</summary>
/// <param name="Scenario">The scenario's name.</param>
/// <param name="Index">Its number, from 0.</param>
/// <param name="Seed">The seed of everything random in it.</param>
/// <param name="Requests">What is asked for, one after another.</param>
public sealed record ScenarioTrial(string Scenario, int Index, ulong Seed, IReadOnlyList<ForgetRequest> Requests)
{
    /// <summary>Everything that is asked for, as one request.</summary>
    public ForgetRequest Joint => ForgetRequest.Union(Requests);
}

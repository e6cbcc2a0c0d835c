using EscNative.Bench.Requests;
using EscNative.Unlearning;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Bench.Verbs;

/// <summary>What a comparison of methods was asked for, checked as far as neither model nor data matter.</summary>
/// <param name="Methods">In the order asked.</param>
/// <param name="Settings">What <c>--set</c> says.</param>
/// <param name="Common">The options that methods share.</param>
/// <param name="Scenario">The scenario by name, or null where requests are named or nothing is.</param>
/// <param name="Requests">The requests as the user named them: classes, a file of indices, or people; empty where he named none.</param>
internal sealed record ComparisonQuestion(
    IUnlearningMethod[] Methods, MethodSettings Settings, UnlearningOptions Common, Scenario? Scenario, IReadOnlyList<(string? Classes, string? Indices, string? Subjects)> Requests)
{
    /// <summary>The options of ESC, or null where it is not among the methods.</summary>
    public UnlearningOptions? OptionsOfEsc => Methods.Any(m => m.Name == "esc") ? Common : null;

    /// <summary>The options of a method.</summary>
    /// <param name="method">The method.</param>
    /// <param name="recipe">How the model was trained, for retraining.</param>
    public UnlearningOptions Options(IUnlearningMethod method, IReadOnlyDictionary<string, double> recipe) => Settings.Options(method, Common, recipe);
}

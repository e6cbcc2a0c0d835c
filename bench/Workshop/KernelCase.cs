using System.Text.Json.Nodes;

namespace EscNative.Bench.Workshop;

/// <summary>One measurement of the workshop, with the same one for a peer.</summary>
/// <param name="Name">What is measured, with its sizes.</param>
/// <param name="Flops">Floating-point operations of a call, as the mathematics counts them.</param>
/// <param name="Double">Whether they are in float64.</param>
/// <param name="Prepare">Makes the inputs; the result computes once.</param>
/// <param name="Peer">The peer's request, without threads and seconds.</param>
internal sealed record KernelCase(string Name, double Flops, bool Double, Func<KernelRun> Prepare, JsonObject Peer);

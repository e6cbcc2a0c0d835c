namespace EscNative.Engine;

internal abstract partial class Backend
{
    /// <summary>PyTorch's SGD of all parameters in one pass, in place: g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v).</summary>
    /// <param name="updates">With the velocity as first state, or null for none.</param>
    public abstract void Sgd(ReadOnlySpan<ParameterUpdate> updates, double rate, double momentum, double decay, bool nesterov);

    /// <summary>PyTorch's Adam (decay added to g) or AdamW (<paramref name="decoupled"/>) of all parameters in one pass, in place, at step t from 1.</summary>
    /// <param name="updates">With the two moments as states.</param>
    public abstract void Adam(
        ReadOnlySpan<ParameterUpdate> updates, double rate, double beta1, double beta2, double eps, double decay, bool decoupled, long t);
}

using EscNative.Kernels.Cpu;

namespace EscNative.Engine;

/// <summary>Memory for transformed weights, which training needs anew in every step: kept between steps, up to a limit.</summary>
internal sealed unsafe class WinogradWeightCache
{
    private const long MostBytes = 64 << 20;

    private readonly Lock _lock = new();
    // The newest last.
    private readonly List<(WinogradWeight Weight, bool ForDataGradient)> _spare = [];
    private long _bytes;

    /// <summary>Weights transformed for one convolution; the caller's until <see cref="Return"/>.</summary>
    /// <param name="outChannels">Channels that the convolution writes: in the data gradient those of the layer's input.</param>
    /// <param name="inChannels">Channels that it reads.</param>
    /// <param name="tile">How many outputs a tile computes.</param>
    /// <param name="forDataGradient">Whether the weights are flipped and change sides.</param>
    /// <param name="weight">The layer's, [out, 3, 3, in].</param>
    public WinogradWeight Rent(int outChannels, int inChannels, WinogradTile tile, bool forDataGradient, float* weight)
    {
        if (Take(outChannels, inChannels, tile, forDataGradient) is { } spare)
        {
            try
            {
                spare.Update(weight);
                return spare;
            }
            catch
            {
                spare.Dispose();
                throw;
            }
        }

        return forDataGradient
            ? WinogradWeight.ForDataGradient(inChannels, outChannels, weight, tile)
            : new WinogradWeight(outChannels, inChannels, weight, tile);
    }

    /// <summary>Keeps the memory for the next step; the oldest goes where there is too much.</summary>
    public void Return(WinogradWeight weight, bool forDataGradient)
    {
        lock (_lock)
        {
            _spare.Add((weight, forDataGradient));
            _bytes += weight.Bytes;
            while (_bytes > MostBytes)
            {
                _bytes -= _spare[0].Weight.Bytes;
                _spare[0].Weight.Dispose();
                _spare.RemoveAt(0);
            }
        }
    }

    private WinogradWeight? Take(int outChannels, int inChannels, WinogradTile tile, bool forDataGradient)
    {
        lock (_lock)
        {
            for (var i = 0; i < _spare.Count; i++)
            {
                var weight = _spare[i].Weight;
                if ((weight.OutChannels, weight.InChannels, weight.Tile, _spare[i].ForDataGradient)
                    == (outChannels, inChannels, tile, forDataGradient))
                {
                    _spare.RemoveAt(i);
                    _bytes -= weight.Bytes;
                    return weight;
                }
            }

            return null;
        }
    }
}

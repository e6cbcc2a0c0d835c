namespace EscNative.Kernels.Cpu;

/// <summary>Rows cut into tiles of about a fixed number of values, by the sizes alone.</summary>
internal readonly struct RowTiles(long rows, long width, long values)
{
    private readonly long _rows = rows;
    private readonly long _perTile = Math.Max(1, values / Math.Max(1, width));

    /// <summary>How many tiles there are.</summary>
    public long Count => (_rows + _perTile - 1) / _perTile;

    /// <summary>The first row of a tile.</summary>
    public long Start(long tile) => tile * _perTile;

    /// <summary>The row after the last one of a tile.</summary>
    public long End(long tile) => Math.Min(_rows, (tile + 1) * _perTile);
}

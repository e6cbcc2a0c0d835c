namespace EscNative.Engine.Plans;

/// <summary>Where the images of a value stand in an arena of device memory.</summary>
internal readonly record struct CudaSlot(long Offset, int Height, int Width, int Channels)
{
    public static CudaSlot Of(PlanValue value, ArenaLayout layout) => new(layout[value], value.Height, value.Width, value.Channels);

    public long Count => (long)Height * Width * Channels;

    public nint In(nint arena) => arena + (nint)(Offset * sizeof(float));
}

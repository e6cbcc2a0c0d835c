namespace EscNative.Engine.Plans;

/// <summary>Where the images of a value stand in an arena of device memory.</summary>
/// <param name="Offset">In floats, in an arena for one image; in one for n it is n times as far.</param>
internal readonly record struct CudaSlot(long Offset, int Height, int Width, int Channels)
{
    public static CudaSlot Of(PlanValue value, ArenaLayout layout) => new(layout[value], value.Height, value.Width, value.Channels);

    public long Count => (long)Height * Width * Channels;

    public nint In(in CudaArena arena) => arena.Values + (nint)(Offset * arena.Capacity * sizeof(float));
}

using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>Where the images of a value stand in an arena.</summary>
internal readonly unsafe record struct CpuSlot(long Offset, int Height, int Width, int Channels, int Halo)
{
    public static CpuSlot Of(PlanValue value, ArenaLayout layout) => new(layout[value], value.Height, value.Width, value.Channels, value.Halo);

    public ImageView In(float* arena) => ImageView.InBlock(arena + Offset, Height, Width, Channels, Halo);

    /// <summary>The values, for a slot without a halo.</summary>
    public float* Data(float* arena) => arena + Offset;

    public long Count => (long)Height * Width * Channels;
}

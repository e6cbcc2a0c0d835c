namespace EscNative.Kernels.Cpu;

/// <summary>The images that a convolution writes, or adds.</summary>
internal unsafe struct ConvOutput
{
    public float* Data;

    /// <summary>Channels of a pixel.</summary>
    public int Channels;

    /// <summary>Values from one pixel of a phase to the next, and from one row of a phase to the next.</summary>
    public int PixelStep, RowStep;

    /// <summary>Values from one image to the next.</summary>
    public long ImageStride;

    /// <summary>Images each of whose pixels stands where the view has it.</summary>
    public ConvOutput(in ImageView view)
    {
        Data = (float*)view.Data;
        Channels = view.Channels;
        PixelStep = view.Channels;
        RowStep = view.RowStride;
        ImageStride = view.ImageStride;
    }

    /// <summary>Where the first row of a group begins.</summary>
    public readonly float* At(ConvGrid.Group group) => Data + group.FirstImage * ImageStride + (long)group.FirstRow * RowStep;
}

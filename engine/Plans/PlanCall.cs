namespace EscNative.Engine.Plans;

/// <summary>The operands of one run of a plan, checked.</summary>
internal unsafe struct PlanCall
{
    /// <summary>How many images, at least 1.</summary>
    public int Images;

    /// <summary>Images as floats, or null.</summary>
    public float* Floats;

    /// <summary>Images as bytes, where <see cref="Floats"/> is null.</summary>
    public byte* Bytes;

    /// <summary>Where the outputs go.</summary>
    public float* First, Second;

    /// <summary>Which outputs are wanted: bit i for output i.</summary>
    public int OutputMask;

    /// <summary>Whether the images lie in the device's memory, rather than the host's.</summary>
    public bool ImagesOnDevice;

    /// <summary>Whether the outputs go to the device's memory, rather than the host's.</summary>
    public bool OnDevice;

    /// <summary>Where the times of the steps are added up, or null.</summary>
    public double* Seconds;
}

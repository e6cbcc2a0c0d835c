namespace EscNative.Engine.Plans;

/// <summary>A value of a plan: what a step gives for one image.</summary>
public sealed class PlanValue
{
    internal PlanValue(PlanBuilder owner, Shape shape, PlanNode? producer)
    {
        (Owner, Shape, Producer) = (owner, shape, producer);
        (Height, Width, Channels) = shape.Rank switch
        {
            1 => (1, 1, shape[0]),
            2 => (shape[0], 1, shape[1]),
            3 => (shape[0], shape[1], shape[2]),
            _ => throw new ShapeException($"plan: got a value of shape {shape} an image, wants [d], [t, d] or [h, w, c]"),
        };
    }

    /// <summary>The extents for one image: [h, w, c], tokens [t, d] or a vector [d].</summary>
    public Shape Shape { get; }

    internal PlanBuilder Owner { get; }

    /// <summary>What computes it; null for the plan's input.</summary>
    internal PlanNode? Producer { get; set; }

    // Tokens are images one pixel wide, vectors images of one pixel.
    internal int Height { get; }

    internal int Width { get; }

    internal int Channels { get; }

    /// <summary>Zeros around each image in memory, so that convolutions read it in place.</summary>
    internal int Halo { get; set; }

    /// <summary>Floats that one image takes, its halo included.</summary>
    internal long Floats => (Height + (2L * Halo)) * (Width + (2L * Halo)) * Channels;
}

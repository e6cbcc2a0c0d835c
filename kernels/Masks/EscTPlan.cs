namespace EscNative.Kernels.Cuda;

/// <summary>How an epoch of ESC-T is laid out over the blocks of a device.</summary>
/// <param name="Groups">Groups of four columns of the mask that a block owns.</param>
/// <param name="Blocks">Blocks, all of which are on the device at once.</param>
/// <param name="Panel">Rows of partial sums that are exchanged at a time.</param>
/// <param name="PartialCount">Floats of the workspace for them.</param>
/// <param name="OutsideCount">Floats of the workspace for what does not fit shared memory; mostly 0.</param>
/// <param name="SharedBytes">Shared memory of a block.</param>
public readonly record struct EscTPlan(int Groups, int Blocks, int Panel, long PartialCount, long OutsideCount, int SharedBytes)
{
    private const int Columns = 4;
    private const int Threads = 256;

    // The exchange costs more with more blocks: this many already keep a large device busy.
    private const int WantedBlocks = 128;

    private const int PanelRows = 64;

    /// <summary>The layout for given sizes: as many blocks as are wanted, or as the device holds.</summary>
    /// <param name="d">Rows of the mask.</param>
    /// <param name="r">Columns of the mask.</param>
    /// <param name="classes">Rows of the head's weight.</param>
    /// <param name="batch">Rows of a step.</param>
    /// <param name="mostShared">The most shared memory of a block, in bytes.</param>
    /// <param name="resident">How many blocks with that much shared memory are on the device at once.</param>
    /// <exception cref="DeviceException">The mask does not fit the device's shared memory.</exception>
    public static EscTPlan Of(int d, int r, int classes, int batch, int mostShared, Func<int, int> resident)
    {
        var total = (r + Columns - 1) / Columns;
        for (var groups = (total + WantedBlocks - 1) / WantedBlocks; groups <= total; groups++)
        {
            foreach (var outside in (ReadOnlySpan<bool>)[false, true])
            {
                var plan = Make(d, total, classes, batch, groups, outside);
                if (plan.SharedBytes > 0 && plan.SharedBytes <= mostShared && plan.Blocks <= resident(plan.SharedBytes))
                    return plan;
            }
        }

        throw new DeviceException(
            $"ESC-T: a mask of {d} x {r} with {classes} classes does not fit the shared memory of this device ({mostShared:N0} bytes a block); use --device cpu");
    }

    /// <summary>The layout with a given number of groups a block.</summary>
    internal static EscTPlan Make(int d, int totalGroups, int classes, int batch, int groups, bool outside)
    {
        var blocks = (totalGroups + groups - 1) / groups;
        var panel = Math.Max(batch, Math.Min(PanelRows, d));
        var coordinates = 2L * (batch + classes) * groups * Columns;
        // In the order of the kernel: slabs of U and M, coordinates, a line of logits, sums, scratch, the batch's rows.
        var shared = (2L * groups * d * Columns) + (outside ? 0 : coordinates) + classes + Threads + 32 + batch;
        shared *= sizeof(float);
        return new EscTPlan(
            groups, blocks, panel, (long)blocks * panel * classes, outside ? blocks * coordinates : 0, shared <= int.MaxValue ? (int)shared : 0);
    }
}

namespace EscNative.Unlearning.Subspaces;

/// <summary>Directions as the device's libraries leave them, brought into the form of the other solvers.</summary>
internal static class CudaBasis
{
    /// <summary>Rows that are directions to [d, count], signs fixed: each column's component of largest magnitude (the first of
    /// equals) is positive.</summary>
    /// <param name="rows">[all, d], a direction a row.</param>
    /// <param name="d">Components.</param>
    /// <param name="count">How many to take.</param>
    /// <param name="reversed">From the last row backwards.</param>
    public static double[] FromRows(double[] rows, int d, int count, bool reversed = false)
    {
        var last = (rows.Length / d) - 1;
        var basis = new double[(long)d * count];
        for (var j = 0; j < count; j++)
        {
            var row = rows.AsSpan((reversed ? last - j : j) * d, d);
            for (var i = 0; i < d; i++)
                basis[((long)i * count) + j] = row[i];
        }

        FixSigns(basis, d, count);
        return basis;
    }

    /// <summary>The first columns of a matrix, signs fixed.</summary>
    /// <param name="columns">[d, all], a direction a column.</param>
    /// <param name="all">How many it has.</param>
    /// <param name="d">Components.</param>
    /// <param name="count">How many to take.</param>
    public static double[] FromColumns(double[] columns, int all, int d, int count)
    {
        var basis = new double[(long)d * count];
        for (var i = 0; i < d; i++)
            Array.Copy(columns, (long)i * all, basis, (long)i * count, count);
        FixSigns(basis, d, count);
        return basis;
    }

    private static void FixSigns(double[] basis, int d, int count)
    {
        for (var j = 0; j < count; j++)
        {
            double best = 0;
            for (var i = 0; i < d; i++)
            {
                var value = basis[((long)i * count) + j];
                if (Math.Abs(value) > Math.Abs(best))
                    best = value;
            }

            for (var i = 0; i < d && best < 0; i++)
                basis[((long)i * count) + j] *= -1;
        }
    }
}

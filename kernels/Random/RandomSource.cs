namespace EscNative.Kernels;

/// <summary>A stream of random numbers: a seed, a stream number and a position, which are all its state.</summary>
/// <remarks>Streams of one seed are independent: give each purpose (shuffling, augmentation, dropout) its own.</remarks>
/// <param name="seed">The seed.</param>
/// <param name="stream">The stream's number.</param>
public sealed class RandomSource(ulong seed, ulong stream = 0)
{
    /// <summary>The seed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>The stream's number.</summary>
    public ulong Stream { get; } = stream;

    /// <summary>How many words were used; set it to take up where a saved run stopped.</summary>
    public ulong Position { get; set; }

    /// <summary>Reserves words for a kernel and returns the position of the first.</summary>
    public ulong Skip(ulong count)
    {
        var first = Position;
        Position += count;
        return first;
    }

    /// <summary>32 random bits.</summary>
    public uint NextBits() => Philox.Word(Seed, Stream, Position++);

    /// <summary>A number in [0, 1).</summary>
    public float NextUniform() => Philox.ToUniform(NextBits());

    /// <summary>An integer in 0 .. bound - 1, all equally likely (Lemire's rejection).</summary>
    /// <exception cref="UsageException">The bound is less than 1.</exception>
    public int NextInt(int bound)
    {
        if (bound < 1)
            throw new UsageException($"RandomSource.NextInt: got bound {bound}, wants 1 or more");
        var product = (ulong)NextBits() * (uint)bound;
        if ((uint)product < (uint)bound)
        {
            var threshold = (uint)(-bound) % (uint)bound;
            while ((uint)product < threshold)
                product = (ulong)NextBits() * (uint)bound;
        }

        return (int)(product >> 32);
    }

    /// <summary>Numbers in [0, 1).</summary>
    public void FillUniform(Span<float> values) =>
        Philox.Uniform(Seed, Stream, Skip((ulong)values.Length), values);

    /// <summary>Standard normal numbers; an odd count uses one word more.</summary>
    public void FillNormal(Span<float> values) =>
        Philox.Normal(Seed, Stream, Skip((ulong)(values.Length + (values.Length & 1))), values);

    /// <summary>Puts the values into a random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> values)
    {
        for (var i = values.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (values[i], values[j]) = (values[j], values[i]);
        }
    }

    /// <summary>0 .. count - 1 in a random order.</summary>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++)
            order[i] = i;
        Shuffle<int>(order);
        return order;
    }
}

using System.Diagnostics;

namespace EscNative.Tests;

/// <summary>
/// Feeds damaged files to a reader for a short time. The reader may accept them or refuse them with an
/// <see cref="EscException"/> of bad input; anything else, a hang, or memory far beyond the file's size is a failure.
/// </summary>
internal static class FuzzRun
{
    /// <summary>The trait of every test that runs this: <c>dotnet cake --target Fuzz</c> finds them by it.</summary>
    public const string Kind = "Kind";

    /// <summary>The trait's value.</summary>
    public const string Name = "Fuzz";

    /// <summary>Longer runs: ESC_FUZZ_SECONDS per format; another walk: ESC_FUZZ_SEED.</summary>
    private static readonly double Seconds = double.TryParse(Environment.GetEnvironmentVariable("ESC_FUZZ_SECONDS"), out var s) ? s : 0.5;
    private static readonly int Seed = int.TryParse(Environment.GetEnvironmentVariable("ESC_FUZZ_SEED"), out var s) ? s : 20260704;

    private static readonly bool IsLonger = Environment.GetEnvironmentVariable("ESC_FUZZ_SECONDS") is { Length: > 0 };

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    // Every run makes at least this many attempts, whatever the machine's load.
    private const int Least = 300;

    public static void Run(string format, byte[] valid, int header, Action<byte[]> read, double memoryFactor = 4) =>
        Run(format, valid, (mutator, bytes) => mutator.Mutate(bytes, header), read, memoryFactor);

    /// <param name="format">Its name.</param>
    /// <param name="valid">A file that is read.</param>
    /// <param name="damage">Makes another file of it.</param>
    /// <param name="read">Reads a file.</param>
    /// <param name="least">How many attempts at least.</param>
    /// <param name="memoryFactor">The most bytes that may be taken for each of the file's, beside 64 MiB.</param>
    /// <param name="seconds">How long an ordinary run lasts; 0 for as long as others.</param>
    public static void Run(string format, byte[] valid, Func<FuzzMutator, byte[], byte[]> damage, Action<byte[]> read, double memoryFactor = 4, int least = Least, double seconds = 0)
    {
        if (seconds == 0 || IsLonger)
            seconds = Seconds;
        read(valid);
        TestContext.Current.TestOutputHelper?.WriteLine($"fuzz {format}: ESC_FUZZ_SEED={Seed}");
        var mutator = new FuzzMutator(Seed);
        var whole = Stopwatch.StartNew();
        var refused = 0;
        var attempts = 0;
        for (; attempts < least || whole.Elapsed.TotalSeconds < seconds; attempts++)
        {
            var bytes = damage(mutator, valid);
            var (isRefused, took) = Attempt(bytes, attempts);
            // A busy machine may hold up one try; a reader that hangs does so again.
            if (took >= Longest)
                (isRefused, took) = Attempt(bytes, attempts);
            Assert.True(took < Longest, $"fuzz {format}, seed {Seed}, attempt {attempts}: took {took}");
            refused += isRefused ? 1 : 0;
        }

        // A mutator that never damages anything would pass in silence.
        Assert.InRange(refused, attempts / 10, attempts);
        TestContext.Current.TestOutputHelper?.WriteLine($"fuzz {format}: {attempts} files, {refused} refused, {whole.Elapsed.TotalSeconds:0.0} s");

        (bool Refused, TimeSpan Took) Attempt(byte[] bytes, int number)
        {
            var isRefused = false;
            var before = GC.GetAllocatedBytesForCurrentThread();
            var time = Stopwatch.StartNew();
            try
            {
                read(bytes);
            }
            catch (EscException failure) when (failure.Code == ErrorCode.BadInput)
            {
                isRefused = true;
            }
            catch (Exception failure)
            {
                Assert.Fail($"fuzz {format}, seed {Seed}, attempt {number}: {failure}\ninput: {Convert.ToHexString(bytes.AsSpan(0, Math.Min(bytes.Length, 4096)))}");
            }

            var took = time.Elapsed;
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= (memoryFactor * bytes.Length) + (64 << 20), $"fuzz {format}, seed {Seed}, attempt {number}: allocated {allocated} bytes for a file of {bytes.Length}");
            return (isRefused, took);
        }
    }
}

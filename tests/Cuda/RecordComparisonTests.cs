using System.Runtime.InteropServices;
using System.Text;

namespace EscNative.Tests.Cuda;

/// <summary>The comparison of two machines' results counts what one of them lacks.</summary>
public sealed class RecordComparisonTests
{
    private static readonly float[] Values = [1, 2, 3];

    [Fact]
    public void Equal_results_are_no_gap()
    {
        var comparison = new RecordComparison(Record("a #1", "a #2"));
        Assert.Null(comparison.Compare("a", "a #1", Values));
        Assert.Null(comparison.Compare("a", "a #2", Values));
        Assert.Null(comparison.Gap);
        Assert.StartsWith("2 results of 1 tests compared, 0 missing in the record, 0 of the record not met", comparison.Lines().First(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_that_the_record_lacks_fails_and_is_counted()
    {
        var comparison = new RecordComparison(Record("a #1"));
        Assert.Null(comparison.Compare("a", "a #1", Values));
        Assert.Equal("the record of the other machine has no b #1", comparison.Compare("b", "b #1", Values));
        Assert.Equal("1 results compared; 1 that the record lacks; 0 of the record's 1 that no test met", comparison.Gap);
    }

    [Fact]
    public void Results_that_no_test_met_are_counted_and_so_is_nothing_at_all()
    {
        var comparison = new RecordComparison(Record("a #1", "b #1", "b #2"));
        Assert.Null(comparison.Compare("a", "a #1", Values));
        Assert.Equal("1 results compared; 0 that the record lacks; 2 of the record's 3 that no test met, the first: b #1", comparison.Gap);
        Assert.NotNull(new RecordComparison([]).Gap);
    }

    [Fact]
    public void Values_that_differ_in_number_or_size_fail()
    {
        var comparison = new RecordComparison(Record("a #1"));
        Assert.Contains("2 values, the other machine had 3", comparison.Compare("a", "a #1", new float[] { 1, 2 }), StringComparison.Ordinal);
        Assert.Contains("differs", comparison.Compare("a", "a #1", new float[] { 1, 2, 3.01f }), StringComparison.Ordinal);
        Assert.Contains("differs", comparison.Compare("a", "a #1", new float[] { 1, 2, float.NaN }), StringComparison.Ordinal);
        Assert.Contains("differs", comparison.Compare("a", "a #1", new float[] { 1, 2, float.PositiveInfinity }), StringComparison.Ordinal);
    }

    [Fact]
    public void Rounding_is_relative_to_the_size_behind_a_result()
    {
        // 1e-3 is 3.3e-4 of the largest value, and 1e-5 of sums of 100.
        float[] got = [1, 2, 3.001f];
        Assert.Contains("differs", new RecordComparison(Record("a #1")).Compare("a", "a #1", got), StringComparison.Ordinal);
        Assert.Null(new RecordComparison(Record("a #1")).Compare("a", "a #1", got, scale: 100));
        Assert.Contains("differs", new RecordComparison(Record("a #1")).Compare("a", "a #1", got, scale: 1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_that_was_cut_off_is_told()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new BinaryWriter(File.Create(folder["record"]), Encoding.UTF8))
            DeviceRecord.Write(writer, "a #1", MemoryMarshal.AsBytes(Values.AsSpan()));
        Assert.Equal(["a #1"], DeviceRecord.Read(folder["record"]).Keys);
        File.WriteAllBytes(folder["record"], File.ReadAllBytes(folder["record"])[..^1]);
        Assert.Contains("ends in the middle of a #1", Assert.Throws<InvalidDataException>(() => DeviceRecord.Read(folder["record"])).Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, byte[]> Record(params string[] keys) => keys.ToDictionary(key => key, _ => MemoryMarshal.AsBytes(Values.AsSpan()).ToArray());
}

using System.Security.Cryptography;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>The cache of compiled kernels on disk.</summary>
public sealed class NativeCacheTests : IDisposable
{
    private static readonly byte[] Image = RandomNumberGenerator.GetBytes(4000);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_kept_is_found_again()
    {
        var cache = new CubinCache(_folder["new/folder"]);
        var key = CubinCache.Key(["source", "options"]);
        Assert.Null(cache.Find("family", key));
        cache.Keep("family", key, Image);
        Assert.Equal(Image, cache.Find("family", key));
        Assert.Null(cache.Find("other", key));
        Assert.Equal([cache.PathOf("family", key)!], Directory.GetFiles(cache.Folder!));
    }

    [Fact]
    public void Every_cause_changes_the_key_and_so_does_where_one_ends()
    {
        string[] keys =
        [
            CubinCache.Key(["a", "b"]), CubinCache.Key(["a", "c"]), CubinCache.Key(["b", "a"]), CubinCache.Key(["ab"]), CubinCache.Key(["ab", ""]),
            CubinCache.Key(["a", "b", ""]),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], CubinCache.Key(["a", "b"]));
        Assert.All(keys, key => Assert.Matches("^[0-9a-f]{64}$", key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(49)]
    [InlineData(50)]
    [InlineData(2000)]
    [InlineData(-1)]
    public void A_file_with_one_changed_bit_counts_as_missing_and_is_replaced(int at)
    {
        var cache = new CubinCache(_folder.Path);
        cache.Keep("family", "key", Image);
        var path = cache.PathOf("family", "key")!;
        var bytes = File.ReadAllBytes(path);
        bytes[at < 0 ? bytes.Length + at : at] ^= 0x10;
        File.WriteAllBytes(path, bytes);
        Assert.Null(cache.Find("family", "key"));
        cache.Keep("family", "key", Image);
        Assert.Equal(Image, cache.Find("family", "key"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(50)]
    [InlineData(51)]
    [InlineData(4049)]
    public void A_file_that_was_cut_off_counts_as_missing(int length)
    {
        var cache = new CubinCache(_folder.Path);
        cache.Keep("family", "key", Image);
        var path = cache.PathOf("family", "key")!;
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..length]);
        Assert.Null(cache.Find("family", "key"));
    }

    [Fact]
    public void Where_the_folder_cannot_be_made_nothing_is_kept_and_nothing_fails()
    {
        File.WriteAllText(_folder["file"], "");
        var cache = new CubinCache(_folder["file/folder"]);
        cache.Keep("family", "key", Image);
        Assert.Null(cache.Find("family", "key"));
        var none = new CubinCache(null);
        none.Keep("family", "key", Image);
        Assert.Null(none.Find("family", "key"));
    }

    [Fact]
    public void Where_the_file_cannot_be_replaced_no_part_is_left()
    {
        // A folder in the file's place stands for a disk that refuses.
        var cache = new CubinCache(_folder.Path);
        Directory.CreateDirectory(Path.Combine(cache.PathOf("family", "key")!, "occupied"));
        cache.Keep("family", "key", Image);
        Assert.Null(cache.Find("family", "key"));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task Readers_and_writers_at_once_see_whole_files_only()
    {
        var cache = new CubinCache(_folder.Path);
        cache.Keep("family", "key", Image);
        var writers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 50; i++)
                cache.Keep("family", "key", Image);
        })).ToArray();
        var reads = 0;
        do
        {
            Assert.Equal(Image, cache.Find("family", "key"));
            reads++;
        }
        while (!writers.All(writer => writer.IsCompleted));
        await Task.WhenAll(writers);
        Assert.True(reads > 1);
        Assert.Equal([cache.PathOf("family", "key")!], Directory.GetFiles(_folder.Path));
    }
}

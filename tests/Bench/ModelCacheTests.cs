using EscNative.Bench.Requests;

namespace EscNative.Tests.Bench;

public sealed class ModelCacheTests
{
    [Fact]
    public void What_was_kept_is_found_and_replaced()
    {
        using var folder = new TemporaryFolder();
        var cache = new ModelCache(folder["cache"]);
        Assert.Null(cache.Problem);
        Assert.Null(cache.Find("key", out var damaged));
        Assert.Null(damaged);

        var first = cache.Keep("key", path => File.WriteAllText(path, "one"));
        Assert.Equal(first, cache.Find("key", out _));
        var second = cache.Keep("key", path => File.WriteAllText(path, "two"));
        Assert.Equal(second, cache.Find("key", out _));
        Assert.Equal("two", File.ReadAllText(second));
        Assert.Single(folder.Files());
    }

    [Fact]
    public void A_changed_file_is_not_taken_and_is_named()
    {
        using var folder = new TemporaryFolder();
        var cache = new ModelCache(folder.Path);
        var path = cache.Keep("key", file => File.WriteAllText(file, "content"));
        File.WriteAllText(path, "Content");
        Assert.Null(cache.Find("key", out var damaged));
        Assert.Equal(path, damaged);
    }

    [Fact]
    public void A_failed_write_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        var cache = new ModelCache(folder.Path);
        Assert.Throws<OutputException>(() => cache.Keep("key", file =>
        {
            File.WriteAllText(file, "half");
            throw new IOException("disk full");
        }));
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_a_problem_and_no_exception()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("file", []);
        Assert.NotNull(new ModelCache(Path.Combine(file, "cache")).Problem);
    }

    [Fact]
    public void Every_cause_changes_the_key_and_none_runs_into_the_next()
    {
        string[] keys = [ModelCache.Key("ab", "c"), ModelCache.Key("a", "bc"), ModelCache.Key("abc"), ModelCache.Key("ab", "d"), ModelCache.Key("ab", "c", "")];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }
}

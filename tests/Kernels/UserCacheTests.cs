using EscNative.Kernels;

namespace EscNative.Tests.Kernels;

/// <summary>Where caches lie, and where there is none.</summary>
public sealed class UserCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_cache_lies_below_XDG_CACHE_HOME_or_else_below_the_home()
    {
        var (xdg, home) = (_folder["xdg"], Directory.CreateDirectory(_folder["home"]).FullName);
        Assert.Equal(Path.Combine(xdg, "escnative", "models"), Of(xdg, home).Folder);
        Assert.Equal(Path.Combine(home, ".cache", "escnative", "models"), Of(null, home).Folder);
        Assert.Equal(Path.Combine(home, ".cache", "escnative", "models"), Of("", home).Folder);
        Assert.Equal(
            Path.Combine(home, "Library/Caches", "escnative", "models"), UserCache.Of("models", name => name == "HOME" ? home : null, mac: true).Folder);
        Assert.Equal(Path.Combine(home, "escnative", "models"), UserCache.Of("models", _ => null, applicationData: home).Folder);
        // Nothing but the folders themselves is left there.
        Assert.Empty(_folder.Files());
    }

    [Theory]
    [InlineData("cache")]
    [InlineData("./cache")]
    [InlineData("../cache")]
    public void A_relative_XDG_CACHE_HOME_is_ignored(string relative)
    {
        var home = Directory.CreateDirectory(_folder["home"]).FullName;
        Assert.Equal(Path.Combine(home, ".cache", "escnative", "models"), Of(relative, home).Folder);
        Assert.False(Directory.Exists(relative));
        Assert.Equal("HOME is not set", Of(relative, null).Problem);
    }

    [Theory]
    [InlineData(null, "HOME is not set")]
    [InlineData("", "HOME is not set")]
    [InlineData("home", "HOME (home) is not an absolute path")]
    [InlineData("/nonexistent/of/escnative", "HOME (/nonexistent/of/escnative) does not exist")]
    public void Without_a_home_there_is_no_cache_and_the_reason_is_told(string? home, string problem)
    {
        var found = Of(null, home);
        Assert.Null(found.Folder);
        Assert.Equal(problem, found.Problem);
        Assert.False(Directory.Exists("/nonexistent"));
        Assert.False(Directory.Exists("home"));
    }

    [Fact]
    public void A_home_that_cannot_be_written_is_none()
    {
        var home = Directory.CreateDirectory(_folder["home"]).FullName;
        File.WriteAllText(Path.Combine(home, ".cache"), "a file in the folder's place");
        var found = Of(null, home);
        Assert.Null(found.Folder);
        Assert.Contains(Path.Combine(home, ".cache", "escnative", "models"), found.Problem, StringComparison.Ordinal);
        Assert.NotNull(UserCache.In("").Problem);
        // Nobody can make files there, root neither.
        if (OperatingSystem.IsLinux())
        {
            Assert.NotNull(UserCache.In("/proc/self").Problem);
            Assert.NotNull(UserCache.In("/proc/escnative").Problem);
        }
    }

    [Fact]
    public void Windows_without_application_data_has_no_cache() => Assert.NotNull(UserCache.Of("models", _ => "/home", applicationData: "").Problem);

    private static UserCache Of(string? xdg, string? home) => UserCache.Of("models", name => name switch { "XDG_CACHE_HOME" => xdg, "HOME" => home, _ => null });
}

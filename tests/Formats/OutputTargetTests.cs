using System.Runtime.InteropServices;
using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

#pragma warning disable CA1416 // Each test that needs Unix begins with OnUnix.

/// <summary>What outputs are written to: links, pipes, devices, files with modes of their own.</summary>
public sealed partial class OutputTargetTests
{
    private static readonly byte[] Old = [.. "old"u8];
    private static readonly byte[] New = [.. "something new"u8];

    [Theory]
    [InlineData("target")]
    [InlineData("deep/target")]
    [InlineData("deep/../target")]
    [InlineData("./target")]
    [InlineData("/target")]
    public void A_link_stays_and_what_it_leads_to_is_replaced(string target)
    {
        OnUnix();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["deep"]);
        var absolute = target[0] == '/' ? folder["target"] : target;
        var real = Path.GetFullPath(absolute, folder.Path);
        File.WriteAllBytes(real, Old);
        File.CreateSymbolicLink(folder["link"], absolute);
        Assert.Throws<UsageException>(() => Write(folder["link"]));
        Write(folder["link"], force: true);
        Assert.Equal(absolute, new FileInfo(folder["link"]).LinkTarget);
        Assert.Equal(New, File.ReadAllBytes(real));
        Assert.Equal(2, folder.Files().Length);
    }

    [Fact]
    public void A_chain_of_links_is_followed_from_where_each_really_lies()
    {
        OnUnix();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["a/b"]);
        Directory.CreateDirectory(folder["c"]);
        // c/into leads to a/b, so that c/into/up's ".." is a and not c.
        File.CreateSymbolicLink(folder["c/into"], "../a/b");
        File.CreateSymbolicLink(folder["a/b/up"], "../final");
        File.CreateSymbolicLink(folder["first"], "c/into/up");
        Write(folder["first"]);
        Assert.Equal(New, File.ReadAllBytes(folder["a/final"]));
        Assert.NotNull(new FileInfo(folder["first"]).LinkTarget);
        Assert.NotNull(new FileInfo(folder["a/b/up"]).LinkTarget);
        Assert.False(File.Exists(folder["c/final"]));
    }

    [Fact]
    public void A_dangling_link_makes_its_target_and_a_circle_is_an_error()
    {
        OnUnix();
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["link"], "target");
        AtomicFile.Check(folder["link"]);
        Assert.False(File.Exists(folder["target"]));
        Write(folder["link"]);
        Assert.Equal(New, File.ReadAllBytes(folder["target"]));
        Assert.Equal("target", new FileInfo(folder["link"]).LinkTarget);

        File.CreateSymbolicLink(folder["lost"], "none/target");
        Assert.Contains($"cannot write {folder["lost"]}: there is no folder", Assert.Throws<OutputException>(() => Write(folder["lost"])).Message, StringComparison.Ordinal);
        File.CreateSymbolicLink(folder["one"], "two");
        File.CreateSymbolicLink(folder["two"], "one");
        Assert.Contains("its symbolic links form a circle", Assert.Throws<OutputException>(() => Write(folder["one"], force: true)).Message, StringComparison.Ordinal);
        File.CreateSymbolicLink(folder["up"], ".");
        Assert.Contains("it is a folder", Assert.Throws<OutputException>(() => Write(folder["up"], force: true)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Files(), name => name.Contains(".tmp", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.UserRead)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead)]
    public void A_file_that_is_replaced_keeps_its_mode(UnixFileMode mode)
    {
        OnUnix();
        using var folder = new TemporaryFolder();
        var path = folder.Write("a", Old);
        File.SetUnixFileMode(path, mode);
        AtomicFile.Write(path, stream =>
        {
            // Nobody else reads along while it is being written.
            stream.Write(New);
            stream.Flush();
            var temporary = Directory.GetFiles(folder.Path, ".escnative-*.tmp").Single();
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(temporary) & ~mode);
        }, force: true);
        Assert.Equal(mode, File.GetUnixFileMode(path));
        Assert.Equal(New, File.ReadAllBytes(path));
    }

    [Fact]
    public void A_new_file_has_the_mode_that_the_user_gives_new_files()
    {
        OnUnix();
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["usual"], New);
        Write(folder["a"]);
        Assert.Equal(File.GetUnixFileMode(folder["usual"]), File.GetUnixFileMode(folder["a"]));
    }

    [Fact]
    public void The_owner_stays_where_the_system_allows_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "only the superuser gives files away");
        using var folder = new TemporaryFolder();
        var path = folder.Write("a", Old);
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            Assert.SkipUnless(FileStatus.ChangeOwner(file, 12345, 54321), "this superuser may not give files away");
        Write(path, force: true);
        Assert.Equal((12345u, 54321u), (FileStatus.Of(path)!.Value.User, FileStatus.Of(path)!.Value.Group));
    }

    [Fact]
    public async Task A_pipe_is_written_into_and_a_check_does_not_open_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs mkfifo and statx");
        using var folder = new TemporaryFolder();
        var path = folder["pipe"];
        Assert.Equal(0, MakePipe(path, 0x180));
        // Opening it for writing would wait for a reader for ever.
        AtomicFile.Check(path);
        var reader = Task.Factory.StartNew(() => File.ReadAllBytes(path), TaskCreationOptions.LongRunning);
        Write(path);
        Assert.Equal(New, await reader.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        Assert.Equal(["pipe"], folder.Files());
        Assert.False(FileStatus.Of(path)!.Value.IsFile);
    }

    [Fact]
    public void Devices_are_written_into_and_stay()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /dev/full");
        Write("/dev/null");
        AtomicFile.Check("/dev/null");
        Assert.True(new FileInfo("/dev/null").Exists && !FileStatus.Of("/dev/null")!.Value.IsFile);
        var failure = Assert.Throws<OutputException>(() => Write("/dev/full"));
        Assert.Equal(ErrorCode.OutOfResources, failure.Code);
        Assert.StartsWith("cannot write /dev/full: ", failure.Message, StringComparison.Ordinal);
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder["link"], "/dev/null");
        Write(folder["link"]);
        Assert.Equal("/dev/null", new FileInfo(folder["link"]).LinkTarget);
    }

    [Fact]
    public void An_open_descriptor_is_written_into()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /proc");
        using var folder = new TemporaryFolder();
        // A regular file behind a descriptor: its name is not replaced.
        var path = folder.Write("a", []);
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        var number = (int)file.SafeFileHandle.DangerousGetHandle();
        foreach (var name in (string[])[$"/dev/fd/{number}", $"/proc/self/fd/{number}"])
        {
            Assert.True(OutputTarget.Of(name).IsStream);
            Assert.Null(OutputTarget.Of(name).Identity);
        }

        Write($"/dev/fd/{number}");
        Assert.Equal(New.Length, file.Length);
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void Standard_output_has_one_identity_under_all_its_names()
    {
        Assert.Equal("standard output", OutputTarget.Of("-").Name);
        foreach (var name in OperatingSystem.IsLinux() ? (string[])["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] : ["-"])
        {
            Assert.True(OutputTarget.Of(name).IsStandardOutput, name);
            Assert.Equal("-", OutputTarget.Of(name).Identity);
            AtomicFile.Check(name);
        }
    }

    [Fact]
    public void Two_names_of_one_file_have_one_identity()
    {
        OnUnix();
        using var folder = new TemporaryFolder();
        folder.Write("a", Old);
        Directory.CreateDirectory(folder["d"]);
        File.CreateSymbolicLink(folder["link"], "a");
        File.CreateSymbolicLink(folder["e"], "d");
        Assert.Equal(Identity("a"), Identity("link"));
        Assert.Equal(Identity("a"), Identity("d/../a"));
        Assert.Equal(Identity("d/new"), Identity("e/new"));
        Assert.NotEqual(Identity("a"), Identity("b"));
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(0, Link(folder["a"], folder["hard"]));
            Assert.Equal(Identity("a"), Identity("hard"));
        }

        string? Identity(string name) => OutputTarget.Of(folder[name]).Identity;
    }

    [Fact]
    public void Messages_name_the_output_and_not_its_temporary()
    {
        using var folder = new TemporaryFolder();
        folder.Write("file", Old);
        foreach (var name in (string[])["none/a", "file/a", new string('x', 300)])
        {
            foreach (var act in (Action<string>[])[path => AtomicFile.Check(path), path => Write(path, force: true)])
            {
                var failure = Assert.Throws<OutputException>(() => act(folder[name]));
                Assert.StartsWith($"cannot write {folder[name]}: ", failure.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(".tmp", failure.Message, StringComparison.Ordinal);
            }
        }

        if (OperatingSystem.IsLinux())
        {
            var failure = Assert.Throws<OutputException>(() => AtomicFile.Check("/sys/escnative-test"));
            Assert.StartsWith("cannot write /sys/escnative-test: ", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(".tmp", failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["file"], folder.Files());
    }

    [Fact]
    public void A_folder_for_outputs_is_made_or_named()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.CreateFolder(folder["a/b"]);
        AtomicFile.CreateFolder(folder["a/b"]);
        folder.Write("file", Old);
        Assert.Contains(folder["file/a"], Assert.Throws<OutputException>(() => AtomicFile.CreateFolder(folder["file/a"])).Message, StringComparison.Ordinal);
    }

    private static void OnUnix() => Assert.SkipWhen(OperatingSystem.IsWindows(), "needs the links and modes of Unix");

    private static void Write(string path, bool force = false) => AtomicFile.Write(path, stream => stream.Write(New), force);

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string path, string other);
}

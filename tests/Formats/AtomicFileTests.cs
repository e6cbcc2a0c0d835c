using EscNative.Engine.Formats;

namespace EscNative.Tests.Formats;

public sealed class AtomicFileTests
{
    private static readonly byte[] Old = [.. "old"u8];
    private static readonly byte[] New = [.. "something new"u8];

    [Fact]
    public void A_new_file_appears_whole()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write(New.AsSpan(0, 4));
            Assert.False(File.Exists(folder["a"]));
            stream.Write(New.AsSpan(4));
        });
        Assert.Equal(New, File.ReadAllBytes(folder["a"]));
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void An_existing_file_is_replaced_only_with_force()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("a", Old);
        var failure = Assert.Throws<UsageException>(() => AtomicFile.Write(path, stream => stream.Write(New)));
        Assert.Equal(ErrorCode.Usage, failure.Code);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--force", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Old, File.ReadAllBytes(path));
        AtomicFile.Write(path, stream => stream.Write(New), force: true);
        Assert.Equal(New, File.ReadAllBytes(path));
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void A_file_that_appears_meanwhile_is_not_replaced()
    {
        using var folder = new TemporaryFolder();
        using (var file = AtomicFile.Create(folder["a"]))
        {
            file.Stream.Write(New);
            folder.Write("a", Old);
            Assert.Throws<UsageException>(file.Commit);
        }

        Assert.Equal(Old, File.ReadAllBytes(folder["a"]));
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void A_cancelled_write_leaves_the_old_file_and_no_trace()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("a", Old);
        Assert.Throws<OperationCanceledException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(New);
            stream.Flush();
            throw new OperationCanceledException();
        }, force: true));
        Assert.Equal(Old, File.ReadAllBytes(path));
        Assert.Equal(["a"], folder.Files());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(100_000)]
    public void A_full_disk_leaves_the_old_file_and_no_trace(int room)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("a", Old);
        var failure = Assert.Throws<OutputException>(() =>
        {
            using var file = AtomicFile.Create(path, force: true, inner => new SmallDisk(inner, room));
            file.Stream.Write(new byte[50_000]);
            file.Stream.Write(new byte[70_000]);
            file.Commit();
        });
        Assert.Equal(ErrorCode.OutOfResources, failure.Code);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        Assert.Contains("No space left", failure.Message, StringComparison.Ordinal);
        Assert.Equal(Old, File.ReadAllBytes(path));
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void A_folder_that_is_missing_or_refuses_is_named()
    {
        using var folder = new TemporaryFolder();
        var missing = folder["no/a"];
        var failure = Assert.Throws<OutputException>(() => AtomicFile.Check(missing));
        Assert.Contains(missing, failure.Message, StringComparison.Ordinal);
        // A file where the folder should be refuses everybody, the superuser too.
        folder.Write("file", Old);
        Assert.Throws<OutputException>(() => AtomicFile.Check(folder["file/a"]));
        Assert.Throws<OutputException>(() => AtomicFile.Check(folder.Path, force: true));
        Assert.Equal(["file"], folder.Files());
    }

    [Fact]
    public void A_read_only_folder_is_named()
    {
        // Nobody, not even the superuser, creates files there.
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /sys");
        var failure = Assert.Throws<OutputException>(() => AtomicFile.Check("/sys/escnative-test"));
        Assert.Contains("/sys/escnative-test", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Check(folder["a"]);
        Assert.Empty(folder.Files());
        folder.Write("a", Old);
        AtomicFile.Check(folder["a"], force: true);
        Assert.Throws<UsageException>(() => AtomicFile.Check(folder["a"]));
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void A_failing_model_write_keeps_the_last_good_model()
    {
        using var folder = new TemporaryFolder();
        var path = folder["model.safetensors"];
        SafetensorsWriter.Write(path, [NamedArray.From("w", [1], [1f])]);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(path, [NamedArray.From("__metadata__", [1], [2f])], force: true));
        Assert.Equal([1f], SafetensorsFile.ReadAll(path)["w"].ToFloat32());
        Assert.Single(folder.Files());
    }

    // Fails like a disk that is full after some bytes.
    private sealed class SmallDisk(Stream inner, int room) : Stream
    {
        private int _room = room;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (count > _room)
                throw new IOException("No space left on device");
            _room -= count;
            inner.Write(buffer, offset, count);
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}

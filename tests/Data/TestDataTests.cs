namespace EscNative.Tests.Data;

/// <summary>The real data that other tests rely on is whole.</summary>
public sealed class TestDataTests
{
    [Fact]
    public void Cifar10_is_complete()
    {
        var files = Directory.GetFiles(TestData.Cifar10Folder, "*.bin");
        Assert.Equal(6, files.Length);
        Assert.All(files, f => Assert.Equal(30_730_000, new FileInfo(f).Length));
    }

    [Fact]
    public void Cifar100_is_there() => Assert.Equal(2, Directory.GetFiles(TestData.Cifar100Folder, "*.bin").Length);

    [Fact]
    public void Oracles_are_there() => Assert.True(new FileInfo(TestData.Oracle("U_eval.npy")).Length > 96 * 96 * 8);
}

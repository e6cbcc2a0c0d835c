using System.Text;
using EscNative.Models.Data;
using EscNative.Tests.Formats;

namespace EscNative.Tests.Data;

public sealed class ForgetTests
{
    private static readonly DataSet Data = new(
        "toy", ImageSetTests.Synthetic(7, 1, 1, 1, 0, 1, 2, 0, 1, 2, 0), ImageSetTests.Synthetic(4, 1, 1, 1, 2, 1, 0, 0), Normalisation.Half);

    [Fact]
    public void Classes_cut_both_parts()
    {
        var split = ForgetSplit.Create(Data, ForgetRequest.ForClasses(0));
        Assert.Equal([0, 3, 6], Ids(split.Forget));
        Assert.Equal([1, 2, 4, 5], Ids(split.Remain));
        Assert.Equal([2, 3], Ids(split.ForgetTest));
        Assert.Equal([0, 1], Ids(split.RemainTest));
        split = ForgetSplit.Create(Data, ForgetRequest.ForClasses(2, 0));
        Assert.Equal([0, 2, 3, 5, 6], Ids(split.Forget));
        Assert.Equal("classes 0, 2", split.Request.ToString());
    }

    [Fact]
    public void Indices_cut_the_training_images_alone()
    {
        var split = ForgetSplit.Create(Data, ForgetRequest.ForIndices(5, 1));
        Assert.Equal([1, 5], Ids(split.Forget));
        Assert.Equal([0, 2, 3, 4, 6], Ids(split.Remain));
        Assert.Equal(0, split.ForgetTest.Count);
        Assert.Equal([0, 1, 2, 3], Ids(split.RemainTest));
        Assert.Equal("2 training images", split.Request.ToString());
    }

    [Fact]
    public void The_real_split_has_the_papers_sizes()
    {
        var data = DataFolder.Open(TestData.Cifar10Folder);
        var split = ForgetSplit.Create(data, ForgetRequest.ParseClasses("deer", data.ClassNames));
        Assert.Equal((5000, 45_000, 1000, 9000), (split.Forget.Count, split.Remain.Count, split.ForgetTest.Count, split.RemainTest.Count));
        Assert.All(split.Forget.Labels(), label => Assert.Equal(4, label));
        Assert.Equal(3, split.Forget.Id(0));
    }

    [Fact]
    public void Requests_that_make_no_sense_are_refused()
    {
        var empty = new DataSet("gap", ImageSetTests.Synthetic(2, 1, 1, 1, 0, 1), ImageSetTests.Synthetic(3, 1, 1, 1, 0, 1, 2), Normalisation.Half);
        Refused("got 3, toy has classes 0 to 2", () => ForgetSplit.Create(Data, ForgetRequest.ForClasses(3)));
        Refused("2 (c) has 0 training and 1 test images", () => ForgetSplit.Create(empty, ForgetRequest.ForClasses(2)));
        Refused("nothing would remain", () => ForgetSplit.Create(Data, ForgetRequest.ForClasses(0, 1, 2)));
        Refused("nothing would remain", () => ForgetSplit.Create(Data, ForgetRequest.ForIndices(0, 1, 2, 3, 4, 5, 6)));
        Refused("got 7, synthetic has images 0 to 6", () => ForgetSplit.Create(Data, ForgetRequest.ForIndices(7)));
        Refused("got none", () => ForgetRequest.ForClasses());
        Refused("1 is given twice", () => ForgetRequest.ForClasses(1, 2, 1));
        Refused("got -1", () => ForgetRequest.ForIndices(-1));
        Refused("got 'lion', wants 0 to 2 or a name (a, b, c)", () => ForgetRequest.ParseClasses("a,lion", Data.ClassNames));
        Refused("got '3'", () => ForgetRequest.ParseClasses("3", Data.ClassNames));
        Refused("got ''", () => ForgetRequest.ParseClasses("", Data.ClassNames));
        Refused("0 is given twice", () => ForgetRequest.ParseClasses("a,0", Data.ClassNames));
        Assert.Equal([0, 2], ForgetRequest.ParseClasses(" C , 0", Data.ClassNames).Classes);

        static void Refused(string rule, Action action)
        {
            var failure = Assert.Throws<UsageException>(action);
            Assert.Equal(ErrorCode.Usage, failure.Code);
            Assert.Contains(rule, failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Index_files_are_read_with_comments()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("ids.txt", Encoding.UTF8.GetBytes("# who asked\r\n5\r\n\n  0 # first\n+2"));
        Assert.Equal([0, 2, 5], ForgetRequest.ReadIndices(path, 6).Indices);
    }

    [Theory]
    [InlineData("1\n2\nthree\n", 4, "line 3: 'three' is not a whole number")]
    [InlineData("1\n2.5\n", 2, "line 2: '2.5' is not a whole number")]
    [InlineData("1\n# x\n10\n", 6, "line 3: 10 is out of range; the training set has images 0 to 9")]
    [InlineData("-1", 0, "line 1: -1 is out of range")]
    [InlineData("4\n5\n4", 4, "line 3: 4 already stands in line 1")]
    [InlineData("99999999999", 0, "line 1: '99999999999' is not a whole number")]
    [InlineData("# nothing\n\n", 0, "names no image")]
    [InlineData("", 0, "names no image")]
    [InlineData("\u001b[31m", 0, "line 1: '?[31m' is not a whole number")]
    public void Bad_index_files_are_refused_with_their_line(string content, long offset, string rule)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("ids.txt", Encoding.UTF8.GetBytes(content));
        BadFile.Refused(path, offset, rule, () => ForgetRequest.ReadIndices(path, 10));
    }

    [Fact]
    [Trait(FuzzRun.Kind, FuzzRun.Name)]
    public void Damaged_index_files_are_refused_in_order()
    {
        using var folder = new TemporaryFolder();
        var valid = Encoding.UTF8.GetBytes("# images\n1\n22\n333 # note\n");
        FuzzRun.Run("index list", valid, valid.Length, input => ForgetRequest.ReadIndices(folder.Write("ids.txt", input), 1000));
    }

    private static int[] Ids(ImageSet set) => [.. Enumerable.Range(0, set.Count).Select(set.Id)];
}

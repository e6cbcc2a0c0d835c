using System.Text;
using EscNative.Engine.Formats;
using EscNative.Models.Data;

namespace EscNative.Tests.Data;

public sealed class LacunaTests
{
    [Fact]
    public void A_manifest_is_drawn_from_a_seed_and_read_back_with_its_images()
    {
        using var folder = VggFace(people: 14, images: 9);
        folder.Write("train/n000099/1.ppm", Ppm(1));
        var manifest = LacunaManifest.Draw(folder.Path, 7, train: 5, test: 2);
        Assert.Equal(10, manifest.Identities.Count);
        Assert.All(manifest.Identities, i => Assert.Equal((5, 2, 7), (i.Train.Count, i.Test.Count, i.Train.Concat(i.Test).Select(e => e.File).Distinct().Count())));
        Assert.DoesNotContain(manifest.Identities, i => i.Id == "n000099");
        manifest.Save(folder["lacuna10.json"]);
        LacunaManifest.Draw(folder.Path, 7, train: 5, test: 2).Save(folder["again.json"]);
        LacunaManifest.Draw(folder.Path, 8, train: 5, test: 2).Save(folder["other.json"]);
        Assert.Equal(File.ReadAllBytes(folder["lacuna10.json"]), File.ReadAllBytes(folder["again.json"]));
        Assert.NotEqual(File.ReadAllBytes(folder["lacuna10.json"]), File.ReadAllBytes(folder["other.json"]));

        var data = DataFolder.Open(folder.Path);
        Assert.Equal(("Lacuna-10", 50, 20, 10), (data.Name, data.Train.Count, data.Test.Count, data.ClassNames.Count));
        Assert.Equal("lacuna10", data.Normalisation.Name);
        var first = manifest.Identities[0];
        Assert.Equal(File.ReadAllBytes(folder[first.Train[0].File])[^1], data.Train.Pixels(0)[^1]);
        Assert.Equal(first.Id, data.ClassNames[0]);
        Assert.Equal(data.Train.ContentHash(), DataFolder.Open(folder["again.json"]).Train.ContentHash());
    }

    [Fact]
    public void Another_image_in_its_place_is_refused_and_so_is_one_outside()
    {
        using var folder = VggFace(people: 10, images: 3);
        var manifest = LacunaManifest.Draw(folder.Path, 1, train: 2, test: 1);
        manifest.Save(folder["lacuna10.json"]);
        var victim = manifest.Identities[3].Test[0].File;
        folder.Write(victim, Ppm(200));
        Refused(() => DataFolder.Open(folder.Path), "is another image than the manifest's");
        File.Delete(folder[victim]);
        Assert.Throws<DataFormatException>(() => DataFolder.Open(folder.Path));

        var outside = manifest with { Identities = [.. manifest.Identities.Select(i => i with { Train = [new LacunaImage("../secret.ppm", "")] })] };
        outside.Save(folder["lacuna10.json"], force: true);
        Refused(() => DataFolder.Open(folder.Path), "is outside of the manifest's folder");
    }

    [Fact]
    public void Folders_and_files_that_cannot_be_used_say_why()
    {
        using var folder = VggFace(people: 9, images: 3);
        Refused(() => LacunaManifest.Draw(folder.Path, 1, train: 2, test: 1), "has 9 identities with 3 images or more; wants 10");
        Refused(() => DataFolder.Open(folder.Write("x/lacuna10.json", "{"u8.ToArray())), "is not a Lacuna-10 manifest");
        Refused(() => DataFolder.Open(folder.Write("x/lacuna10.json", """{"format":"other/1","seed":1,"identities":[]}"""u8.ToArray())), "wants format escnative.lacuna/1");

        using var photographs = new TemporaryFolder();
        for (var person = 0; person < 10; person++)
        {
            photographs.Write($"train/n{person:000000}/1.jpg", [0xff, 0xd8, (byte)person]);
            photographs.Write($"train/n{person:000000}/2.jpg", [0xff, 0xd8, (byte)person, 1]);
        }

        Refused(() => DataFolder.Open(photographs.Path), "looks like VGGFace2: draw Lacuna-10 from it first");
        LacunaManifest.Draw(photographs.Path, 1, train: 1, test: 1).Save(photographs["lacuna10.json"]);
        Refused(() => DataFolder.Open(photographs.Path), "is no image that is known; without a decoder only PGM and PPM images are read");
    }

    private static void Refused(Action action, string why) => Assert.Contains(why, Assert.Throws<DataFormatException>(action).Message, StringComparison.Ordinal);

    private static TemporaryFolder VggFace(int people, int images)
    {
        var folder = new TemporaryFolder();
        for (var person = 0; person < people; person++)
        {
            for (var i = 0; i < images; i++)
                folder.Write($"train/n{person:000000}/{i}.ppm", Ppm((byte)((person * images) + i)));
        }

        return folder;
    }

    private static byte[] Ppm(byte value) => [.. Encoding.ASCII.GetBytes("P6 1 1 255\n"), value, value, value];
}

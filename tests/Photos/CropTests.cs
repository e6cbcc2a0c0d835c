using System.Globalization;
using System.Security.Cryptography;
using EscNative.Engine.Formats;
using EscNative.Images;
using EscNative.Models.Data;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.Photos;

/// <summary>Random parts of photos: torchvision's geometry, given its numbers, and Pillow's bytes (tests/Data/record_crops.py).</summary>
[Collection(CpuThreads.Collection)]
public sealed class CropTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string[][] Lines { get; } = [.. File.ReadLines(Path.Combine(PillowFiles.Folder, "crops.txt")).Select(line => line.Split(' '))];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_part_is_torchvisions_given_its_numbers()
    {
        var crop = new RandomResizedCrop();
        var (fitting, middles) = (0, 0);
        foreach (var line in Lines.Where(line => line[0] == "crop"))
        {
            int[] n = [.. line[1..7].Select(PillowFiles.Number)];
            double[] drawn = [.. line[7..].Select(text => double.Parse(text, CultureInfo.InvariantCulture))];
            var box = new ImageWindow(n[2], n[3], n[4], n[5]);
            for (var i = 0; i < drawn.Length; i += 2)
            {
                var size = RandomResizedCrop.SizeOf(n[0], n[1], drawn[i], drawn[i + 1]);
                if (size is { } taken)
                {
                    // Where it lies is two draws more, which any place can have given.
                    Assert.Equal((box.Height, box.Width, drawn.Length - 2), (taken.Height, taken.Width, i));
                    fitting++;
                }
                else if (i == 18)
                {
                    Assert.Equal(box, crop.Middle(n[0], n[1]));
                    middles++;
                }
            }
        }

        Assert.Equal(120, fitting + middles);
        Assert.InRange(middles, 10, 40);
    }

    [Fact]
    public void A_part_has_Pillows_bytes()
    {
        var parts = 0;
        foreach (var line in Lines.Where(line => line[0] == "part"))
        {
            int[] n = [.. line[1..10].Select(PillowFiles.Number)];
            var result = ResizeTests.Formula(n[0], n[1], n[2]).Cut(new ImageWindow(n[3], n[4], n[5], n[6])).Resize(n[7], n[8], Enum.Parse<ImageFilter>(line[10]));
            Assert.Equal(line[11], Convert.ToHexStringLower(SHA256.HashData(result.Pixels.Span)));
            parts++;
        }

        Assert.Equal(40, parts);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 900)]
    [InlineData(900, 1)]
    [InlineData(300, 200)]
    public void Every_drawn_part_lies_in_the_photo_and_draws_differ(int height, int width)
    {
        var crop = new RandomResizedCrop();
        var seen = new HashSet<ImageWindow>();
        var (areas, tops) = (0.0, 0.0);
        for (var id = 0; id < 400; id++)
        {
            var part = crop.Draw(height, width, 7, 3, id);
            Assert.True(part.Top >= 0 && part.Left >= 0 && part.Height >= 1 && part.Width >= 1 && part.Top + part.Height <= height && part.Left + part.Width <= width, $"{part}");
            Assert.Equal(part, crop.Draw(height, width, 7, 3, id));
            seen.Add(part);
            areas += (double)part.Height * part.Width / height / width;
            tops += part.Height == height ? 0.5 : (double)part.Top / (height - part.Height);
        }

        if (height != 300)
            return;
        Assert.True(seen.Count > 390, $"{seen.Count} different parts");
        // Large parts that do not fit are drawn again: the mean is 0.389 here, and its deviation 0.01.
        Assert.InRange(areas / 400, 0.35, 0.43);
        Assert.InRange(tops / 400, 0.42, 0.58);
        Assert.NotEqual(crop.Draw(height, width, 7, 3, 0), crop.Draw(height, width, 7, 4, 0));
        Assert.NotEqual(crop.Draw(height, width, 7, 3, 0), crop.Draw(height, width, 8, 3, 0));
    }

    [Fact]
    public void Batches_are_cut_from_the_files_the_same_whether_pixels_are_kept_and_by_any_number_of_threads()
    {
        var (kept, streamed) = (Open(null), Open(0));
        Assert.True(kept.IsInMemory && kept.HasOriginals && !streamed.IsInMemory && streamed.HasOriginals);
        var (wanted, next) = (Epoch(kept, 0), Epoch(kept, 1));
        Assert.NotEqual(wanted, next);
        CpuThreads.ForEach([1, 3], _ =>
        {
            Assert.Equal(wanted, Epoch(kept, 0));
            Assert.Equal(wanted, Epoch(streamed, 0));
            Assert.Equal(next, Epoch(streamed, 1));
        });
        // A subset draws what the whole does: the part belongs to the photo.
        var size = kept.ImageSize;
        Assert.Equal(wanted[(2 * size)..(3 * size)], Epoch(kept.Subset([2], "one"), 0));
        Assert.Equal([.. wanted[size..(2 * size)], .. wanted[..size]], Epoch(kept.Subset([1], "a").Join(kept.Subset([0], "b"), "both"), 0));
        // What is cut is the file's part, resized; mirrored half of the time.
        var (mirrored, plain) = (0, 0);
        for (var i = 0; i < kept.Count; i++)
        {
            var photo = PhotoReader.Read(Path.Combine(_folder["photos"], $"{"ab"[kept.Label(i)]}", $"{i % 4}.png"), new SkiaImageDecoder());
            var part = new RandomResizedCrop().Draw(photo.Height, photo.Width, 5, 0x4352_4F50UL << 32, i);
            var bytes = photo.Cut(part).Resize(6, 6).Pixels.ToArray();
            var got = Array.ConvertAll(wanted[(i * size)..((i + 1) * size)], value => (byte)Math.Round(((value * 0.5f) + 0.5f) * 255));
            var turned = Enumerable.Range(0, size).Select(k => bytes[(k / 18 * 18) + ((5 - (k / 3 % 6)) * 3) + (k % 3)]).ToArray();
            Assert.True(got.SequenceEqual(bytes) || got.SequenceEqual(turned), $"photo {i}");
            (mirrored, plain) = got.SequenceEqual(bytes) ? (mirrored, plain + 1) : (mirrored + 1, plain);
        }

        Assert.True(mirrored > 0 && plain > 0, $"{mirrored} mirrored, {plain} not");
        // Without the option, whole photos.
        var whole = new BatchLoader(kept, Normalisation.Half, new BatchOptions { BatchSize = 8 }).Epoch().Select(batch => batch.Images.ToArray()).First();
        Assert.Equal(kept.Pixels(0)[0], (byte)Math.Round(((whole[0] * 0.5f) + 0.5f) * 255));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        var options = new BatchOptions { Augmentation = new Augmentation(true, 0) { ResizedCrop = new RandomResizedCrop() } };
        var refused = Assert.Throws<UsageException>(() => new BatchLoader(Models.SmallImages.Set(4, 1), Normalisation.Half, options));
        Assert.Contains("cut from photos in their own size", refused.Message, StringComparison.Ordinal);
        Assert.Contains("wants one of them", Assert.Throws<UsageException>(() => (options.Augmentation with { CropPadding = 2 }).Validate()).Message, StringComparison.Ordinal);
        foreach (var (crop, words) in (IEnumerable<(RandomResizedCrop, string)>)
            [
                (new() { MinimumScale = 0 }, "least scale"), (new() { MaximumScale = 1.1 }, "largest scale"), (new() { MinimumScale = 0.5, MaximumScale = 0.4 }, "largest scale"),
                (new() { MinimumRatio = double.NaN }, "least ratio"), (new() { MaximumRatio = double.PositiveInfinity }, "largest ratio"),
            ])
            Assert.Contains(words, Assert.Throws<UsageException>(crop.Validate).Message, StringComparison.Ordinal);
        var photos = Open(null);
        foreach (var file in Directory.GetFiles(_folder["both"], "*.png", SearchOption.AllDirectories))
            File.Delete(file);
        Assert.Contains(".png", Assert.Throws<DataFormatException>(() => Epoch(photos, 0)).Message, StringComparison.Ordinal);
    }

    private static float[] Epoch(ImageSet set, int epoch)
    {
        var loader = new BatchLoader(set, Normalisation.Half, new BatchOptions { BatchSize = 3, Seed = 5, Augmentation = new Augmentation(true, 0) { ResizedCrop = new RandomResizedCrop() } });
        return [.. loader.Epoch(epoch).SelectMany(batch => batch.Images.ToArray())];
    }

    // Two classes of four photos, each of its own size.
    private ImageSet Open(long? memory)
    {
        foreach (var (name, first) in (IEnumerable<(string, int)>)[("a", 9), ("b", 30)])
        {
            for (var i = 0; i < 4; i++)
            {
                var photo = PhotoMaker.Make(first + (3 * i), 40 - (5 * i), (byte)(60 * i), 90, (byte)(5 * first), seed: first + i);
                foreach (var part in (string[])["photos", "both/train", "both/test"])
                    _folder.Write($"{part}/{name}/{i}.png", photo);
            }
        }

        return DataFolder.Open(_folder["both"], new PhotoOptions { Decoder = new SkiaImageDecoder(), Height = 6, Width = 6, MemoryBudget = memory }).Train;
    }
}

using System.Security.Cryptography;
using EscNative.Models.Data;

namespace EscNative.Tests.Photos;

/// <summary>Sizes and transforms against digests of what Pillow and torchvision gave (tests/Data/record_pillow.py).</summary>
public sealed class ResizeTests
{
    [Fact]
    public void Every_size_and_filter_gives_the_bytes_of_Pillow_and_torchvision()
    {
        var lines = File.ReadAllLines(Path.Combine(PillowFiles.Folder, "resized.txt")).Select(line => line.Split(' ')).ToArray();
        Assert.True(lines.Length >= 150, $"{lines.Length} results");
        var different = new List<string>();
        foreach (var part in lines)
        {
            var image = Formula(PillowFiles.Number(part[1]), PillowFiles.Number(part[2]), PillowFiles.Number(part[3]));
            var (height, width) = (PillowFiles.Number(part[4]), PillowFiles.Number(part[5]));
            var result = part[0] switch
            {
                "resize" => image.Resize(height, width, Enum.Parse<ImageFilter>(part[6])),
                "centre" => image.CentreCrop(height, width),
                "grey" => image.InGrey(),
                var transform => ImageTransform.Parse(transform).Apply(image, height, width),
            };
            Assert.Equal((height, width), (result.Height, result.Width));
            if (Convert.ToHexStringLower(SHA256.HashData(result.Pixels.Span)) != part[7])
                different.Add(string.Join(' ', part[..7]));
        }

        Assert.True(different.Count == 0, $"{different.Count} of {lines.Length} differ: {string.Join("; ", different.Take(8))}");
    }

    [Fact]
    public void A_sliver_is_cropped_without_its_whole_enlargement()
    {
        // Whole, it would have 4,792,320 columns and 4 GB.
        var image = ImageTransform.Crop.Apply(Formula(1, 16_384, 3), 224, 224);
        Assert.Equal((224, 224), (image.Height, image.Width));
        Assert.Equal(ImageTransform.Stretch.Apply(Formula(5, 5, 1), 5, 5).Pixels.ToArray(), Formula(5, 5, 1).Pixels.ToArray());
    }

    [Fact]
    public void A_transform_is_told_in_words_and_parsed_by_name()
    {
        Assert.Equal("Resize(256) bilinear, CenterCrop((224, 224))", ImageTransform.Crop.Describe(224, 224));
        Assert.Equal("Resize(248) bicubic, CenterCrop((224, 224))", ImageTransform.CropBicubic.Describe(224, 224));
        Assert.Equal("Resize((32, 48)) bilinear", ImageTransform.Stretch.Describe(32, 48));
        Assert.All(ImageTransform.All, transform => Assert.Same(transform, ImageTransform.Parse(transform.Name)));
        Assert.Contains("wants stretch, crop, crop-bicubic", Assert.Throws<UsageException>(() => ImageTransform.Parse("other")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_cut_outside_of_an_image_is_black()
    {
        var image = Formula(3, 4, 3);
        var cut = image.Cut(new ImageWindow(-1, 2, 3, 5));
        for (var y = 0; y < 3; y++)
        {
            for (var x = 0; x < 5; x++)
                Assert.Equal(y >= 1 && x < 2 ? image.Pixels.Span[((((y - 1) * 4) + x + 2) * 3) + 1] : 0, cut.Pixels.Span[(((y * 5) + x) * 3) + 1]);
        }

        Assert.All(image.Cut(new ImageWindow(7, 9, 2, 2)).Pixels.ToArray(), value => Assert.Equal(0, value));
    }

    internal static Image Formula(int height, int width, int channels)
    {
        var pixels = new byte[height * width * channels];
        for (var i = 0; i < pixels.Length; i++)
        {
            var (y, x, c) = (i / (width * channels), i / channels % width, i % channels);
            pixels[i] = (byte)((y * 37) + (x * 101) + (c * 59) + (x * y * (c + 3) / 5) + (x ^ (y * 3)));
        }

        return new Image(height, width, channels, pixels);
    }
}

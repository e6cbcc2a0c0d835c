using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using EscNative.Engine.Formats;
using EscNative.Kernels;

namespace EscNative.Models.Data;

/// <summary>Which images of the user's own VGGFace2 copy make up Lacuna-10: identities, file names and their hashes.</summary>
/// <remarks>
/// Lacuna-10 (Golatkar et al.; SCRUB's <c>create_lacuna.py</c>) is ten identities with at least 500 images, 400 to train with and 100 to
/// test with. Its script draws them without a seed and with repetition, so there is no canonical set, and the images may not be passed on:
/// this file says what was drawn, and <see cref="Open(string, int)"/> refuses other images. Drawn here without repetition, from a seed.
/// </remarks>
public sealed record LacunaManifest
{
    /// <summary>The name of the file, which lies in the folder of the images.</summary>
    public const string FileName = "lacuna10.json";

    internal const string CurrentFormat = "escnative.lacuna/1";

    private const ulong Stream = 0x4C41_4355UL << 32;

    /// <summary>The format of the file.</summary>
    public string Format { get; init; } = CurrentFormat;

    /// <summary>The seed that it was drawn with.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The people, by their folder's name.</summary>
    public required IReadOnlyList<LacunaIdentity> Identities { get; init; }

    /// <summary>Draws a manifest.</summary>
    /// <param name="folder">VGGFace2: <c>n000001/0001_01.jpg</c>, or that below <c>train</c>.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="identities">How many people.</param>
    /// <param name="train">Training images of each.</param>
    /// <param name="test">Test images of each.</param>
    /// <param name="cancel">Cancels between people.</param>
    /// <exception cref="DataFormatException">Not such a folder, or too few people with enough images.</exception>
    public static LacunaManifest Draw(
        string folder, ulong seed, int identities = 10, int train = 400, int test = 100, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(identities, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(train, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(test, 1);
        var people = People(folder).Select(person => (Person: person, Images: Images(person))).Where(p => p.Images.Length >= train + test).ToArray();
        if (people.Length < identities)
        {
            throw new DataFormatException(
                folder, null, $"has {people.Length} identities with {train + test} images or more; wants {identities}. Expected layout: n000001/0001_01.jpg, or that below train/ (VGGFace2, which every user gets himself)");
        }

        var random = new RandomSource(seed, Stream);
        var drawn = new List<LacunaIdentity>();
        foreach (var index in random.Permutation(people.Length)[..identities].Order())
        {
            cancel.ThrowIfCancellationRequested();
            var (person, images) = people[index];
            var files = new RandomSource(seed, Stream + 1 + (ulong)index).Permutation(images.Length)[..(train + test)].Select(i => Entry(folder, images[i])).ToArray();
            drawn.Add(new LacunaIdentity(Path.GetFileName(person), files[..train], files[train..]));
        }

        return new LacunaManifest { Seed = seed, Identities = drawn };
    }

    /// <summary>Writes the manifest.</summary>
    /// <param name="path">The file: in the folder of the images, to be found there.</param>
    /// <param name="force">Whether a file that exists is replaced.</param>
    /// <exception cref="UsageException">The file exists and <paramref name="force"/> is false.</exception>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Save(string path, bool force = false) =>
        AtomicFile.Write(path, Write, force);

    /// <summary>Writes the manifest to a stream.</summary>
    /// <param name="stream">Where to write.</param>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, LacunaJson.Default.LacunaManifest);

    /// <summary>Reads the images that a manifest names.</summary>
    /// <param name="path">The manifest; the images lie in its folder.</param>
    /// <param name="side">Rows and columns of the images.</param>
    /// <exception cref="DataFormatException">No manifest, or an image that is missing, is another one, or cannot be read.</exception>
    public static DataSet Open(string path, int side = FaceFolder.DefaultSide) => Open(path, new PhotoOptions { Height = side, Width = side });

    /// <summary>Reads the images that a manifest names, in the formats that a decoder reads too.</summary>
    /// <param name="path">The manifest; the images lie in its folder.</param>
    /// <param name="photos">Their size, the transform, and the decoder. What cannot be read is an error.</param>
    /// <exception cref="DataFormatException">No manifest, or an image that is missing, is another one, or cannot be read.</exception>
    public static DataSet Open(string path, PhotoOptions photos)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(photos);
        photos.Validate();
        const int limit = 64 << 20;
        LacunaManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(InputFile.WithoutByteOrderMark(InputFile.ReadAll(path, limit), path).Span, LacunaJson.Default.LacunaManifest);
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            throw new DataFormatException(path, null, $"is not a Lacuna-10 manifest: {cause.Message}", cause);
        }

        if (manifest?.Format != CurrentFormat || manifest.Identities is not { Count: >= 2 })
            throw new DataFormatException(path, null, $"is not a Lacuna-10 manifest: wants format {CurrentFormat} and two or more identities");
        manifest.CheckEntries(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var names = manifest.Identities.Select(i => i.Id).ToArray();
        photos = photos with { Channels = 3 };
        var size = photos.Height * photos.Width * 3;
        var (train, test) = (new ImageBuilder(size), new ImageBuilder(size));
        for (var label = 0; label < names.Length; label++)
        {
            Add(train, folder, manifest.Identities[label].Train, label, photos);
            Add(test, folder, manifest.Identities[label].Test, label, photos);
        }

        return new DataSet("Lacuna-10", train.Build("Lacuna-10 train", photos.Height, photos.Width, 3, names, []), test.Build("Lacuna-10 test", photos.Height, photos.Width, 3, names, []), Normalisation.Lacuna10)
        {
            Transform = photos.Transform,
        };
    }

    /// <summary>Whether a folder is one of VGGFace2.</summary>
    internal static bool IsVggFace(string folder) => People(folder).Any();

    // What the serializer lets pass: nulls, and names that no file has.
    private void CheckEntries(string path)
    {
        var people = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Identities.Count; i++)
        {
            var identity = Identities[i];
            if (identity is not { Id.Length: > 0, Train.Count: > 0, Test.Count: > 0 } || identity.Id.Any(char.IsControl) || !people.Add(identity.Id))
                throw new DataFormatException(path, null, $"identity {i} wants an id of its own, and images to train and to test with");
            foreach (var image in identity.Train.Concat(identity.Test))
            {
                if (image is not { File.Length: > 0, Sha256.Length: >= 0 } || image.File.Any(char.IsControl))
                    throw new DataFormatException(path, null, $"an image of '{identity.Id}' wants a file and a sha256");
            }
        }
    }

    private static void Add(ImageBuilder images, string folder, IReadOnlyList<LacunaImage> entries, int label, PhotoOptions photos)
    {
        foreach (var entry in entries)
        {
            var path = Path.GetFullPath(Path.Combine(folder, entry.File));
            if (!path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw new DataFormatException(path, null, "is outside of the manifest's folder");
            if (Hash(path) != entry.Sha256)
                throw new DataFormatException(path, null, "is another image than the manifest's (SHA-256 differs): draw a new manifest (escnative manifest)");
            photos.Cancel.ThrowIfCancellationRequested();
            PhotoReader.Fit(PhotoReader.Read(path, photos.Decoder), photos, images.Add(label));
        }
    }

    private static LacunaImage Entry(string folder, string image) => new(Path.GetRelativePath(folder, image).Replace('\\', '/'), Hash(image));

    private static string Hash(string path)
    {
        using var stream = InputFile.Open(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static IEnumerable<string> People(string folder)
    {
        var within = Path.Combine(folder, "train");
        if (!Directory.Exists(within))
            within = folder;
        return Directory.Exists(within) ? Directory.GetDirectories(within).Where(IsPerson).Order(StringComparer.Ordinal) : [];
    }

    // n000001
    private static bool IsPerson(string folder) =>
        Path.GetFileName(folder) is ['n', _, _, _, _, _, _] name && name.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0;

    private static string[] Images(string person) =>
    [
        .. HiddenEntries.Files(person).Where(f => PnmReader.IsImage(f) || Path.GetExtension(f).ToLowerInvariant() is ".jpg" or ".jpeg" or ".png").Order(StringComparer.Ordinal),
    ];
}

/// <summary>The manifest's JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(LacunaManifest))]
internal sealed partial class LacunaJson : JsonSerializerContext;

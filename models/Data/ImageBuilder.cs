namespace EscNative.Models.Data;

/// <summary>Collects images of one size while a file is read. Memory grows with what was really read, not with what a header
/// promises.</summary>
internal sealed class ImageBuilder(int imageSize, long expected = 0)
{
    private byte[] _pixels = new byte[Math.Min(expected * imageSize, Array.MaxLength / imageSize * (long)imageSize)];
    private int[] _labels = new int[Math.Min(expected, Array.MaxLength / imageSize)];

    public int Count { get; private set; }

    /// <summary>Adds an image and returns its pixels to fill.</summary>
    public Span<byte> Add(int label)
    {
        if (Count == _labels.Length)
            Grow();
        _labels[Count] = label;
        return _pixels.AsSpan(Count++ * imageSize, imageSize);
    }

    /// <summary>Adds all images of another builder.</summary>
    public void Add(ImageBuilder other)
    {
        for (var i = 0; i < other.Count; i++)
            other._pixels.AsSpan(i * imageSize, imageSize).CopyTo(Add(other._labels[i]));
    }

    public ImageSet Build(string name, int height, int width, int channels, IEnumerable<string> classes, IEnumerable<string> notes)
    {
        Array.Resize(ref _pixels, Count * imageSize);
        Array.Resize(ref _labels, Count);
        return new ImageSet(name, _pixels, _labels, height, width, channels, classes, notes);
    }

    private void Grow()
    {
        var most = Array.MaxLength / imageSize;
        if (Count == most)
            throw new EscException(ErrorCode.OutOfResources, $"more than {most} images of {imageSize} bytes do not fit one set");
        var next = (int)Math.Min(Math.Max(64L, Count * 2L), most);
        Array.Resize(ref _pixels, next * imageSize);
        Array.Resize(ref _labels, next);
    }
}

namespace EscNative.Models.Data;

/// <summary>A data set cut along a request (paper, section 3): D_f, D_r, D_ft, D_rt.</summary>
public sealed class ForgetSplit
{
    private ForgetSplit(DataSet data, ForgetRequest request, ImageSet forget, ImageSet remain, ImageSet forgetTest, ImageSet remainTest)
    {
        Data = data;
        Request = request;
        Forget = forget;
        Remain = remain;
        ForgetTest = forgetTest;
        RemainTest = remainTest;
    }

    /// <summary>The whole data.</summary>
    public DataSet Data { get; }

    /// <summary>What is to be forgotten.</summary>
    public ForgetRequest Request { get; }

    /// <summary>D_f: the training images to forget.</summary>
    public ImageSet Forget { get; }

    /// <summary>D_r: the other training images.</summary>
    public ImageSet Remain { get; }

    /// <summary>D_ft: the test images of forgotten classes; empty for a request by images.</summary>
    public ImageSet ForgetTest { get; }

    /// <summary>D_rt: the test images of the other classes; all of them for a request by images.</summary>
    public ImageSet RemainTest { get; }

    /// <summary>D_r and D_rt alone: what the Retrain reference is trained on. The classes keep their numbers.</summary>
    public DataSet Remaining => new($"{Data.Name} without {Request}", Remain, RemainTest, Data.Normalisation)
    {
        Subjects = Data.Subjects,
        ArePhotos = Data.ArePhotos,
        Transform = Data.Transform,
        Part = (Data, Request.IsByClass ? [.. Request.Classes.ToArray().Select(c => Data.ClassNames[c])] : [Request.ToString()]),
    };

    /// <summary>The cut of a further request: what this one forgot is no longer part of the data.</summary>
    /// <param name="next">Classes by their numbers, or images by their ids, as in the whole data.</param>
    /// <exception cref="UsageException">It names something that was forgotten before, or nothing would remain.</exception>
    public ForgetSplit Then(ForgetRequest next) => Create(Remaining, next);

    /// <summary>Cuts a data set. Order and ids of the images stay; no pixels are copied.</summary>
    /// <param name="data">The data.</param>
    /// <param name="request">What is to be forgotten.</param>
    /// <exception cref="UsageException">A class or image that the data does not have, a class without images, or nothing that
    /// would remain.</exception>
    public static ForgetSplit Create(DataSet data, ForgetRequest request)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(request);
        return request.IsByClass ? ByClass(data, request) : ByIndex(data, request);
    }

    private static ForgetSplit ByClass(DataSet data, ForgetRequest request)
    {
        var names = data.ClassNames;
        var forgotten = new bool[names.Count];
        int[] inTrain = data.Train.CountPerClass(), inTest = data.Test.CountPerClass();
        foreach (var c in request.Classes)
        {
            if (c >= names.Count)
                throw new UsageException($"forget class: got {c}, {data.Name} has classes 0 to {names.Count - 1}");
            if (inTrain[c] == 0 || inTest[c] == 0)
                throw new UsageException($"forget class: {c} ({names[c]}) has {inTrain[c]} training and {inTest[c]} test images in {data.Name}; at least one of each wanted");
            forgotten[c] = true;
        }

        var (forget, remain) = Cut(data.Train, i => forgotten[data.Train.Label(i)], "D_f", "D_r");
        if (remain.Count == 0)
            throw new UsageException($"forget class: {request} are all classes of {data.Name}; nothing would remain");
        var (forgetTest, remainTest) = Cut(data.Test, i => forgotten[data.Test.Label(i)], "D_ft", "D_rt");
        return new ForgetSplit(data, request, forget, remain, forgetTest, remainTest);
    }

    private static ForgetSplit ByIndex(DataSet data, ForgetRequest request)
    {
        var wanted = new HashSet<int>(request.Indices.Length);
        foreach (var id in request.Indices)
            wanted.Add(id);
        var (forget, remain) = Cut(data.Train, i => wanted.Contains(data.Train.Id(i)), "D_f", "D_r");
        if (forget.Count < wanted.Count)
        {
            for (var i = 0; i < forget.Count; i++)
                wanted.Remove(forget.Id(i));
            var (missing, last) = (wanted.Min(), data.Train.Id(data.Train.Count - 1));
            throw new UsageException(missing > last
                ? $"forget indices: got {missing}, {data.Train.Name} has images {data.Train.Id(0)} to {last}"
                : $"forget indices: got {missing}, which {data.Train.Name} no longer has: an earlier request named it");
        }

        if (remain.Count == 0)
            throw new UsageException($"forget indices: all {data.Train.Count} images of {data.Train.Name}; nothing would remain");
        var (forgetTest, remainTest) = Cut(data.Test, _ => false, "D_ft", "D_rt");
        return new ForgetSplit(data, request, forget, remain, forgetTest, remainTest);
    }

    private static (ImageSet In, ImageSet Out) Cut(ImageSet set, Func<int, bool> forgotten, string nameIn, string nameOut)
    {
        List<int> inside = [], outside = [];
        for (var i = 0; i < set.Count; i++)
            (forgotten(i) ? inside : outside).Add(i);
        return (set.Subset(inside.ToArray(), nameIn), set.Subset(outside.ToArray(), nameOut));
    }
}

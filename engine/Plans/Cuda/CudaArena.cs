namespace EscNative.Engine.Plans;

/// <summary>The device memory in which a plan's steps run.</summary>
/// <param name="Values">Where the values begin.</param>
/// <param name="Workspace">Memory for a step alone.</param>
/// <param name="Bytes">Where the images stand as bytes, before the first step.</param>
/// <param name="Capacity">How many images it has room for; the places of the values follow from it.</param>
internal readonly record struct CudaArena(nint Values, nint Workspace, nint Bytes, int Capacity);

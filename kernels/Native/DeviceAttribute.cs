namespace EscNative.Kernels.Cuda;

/// <summary>The numbers of CUdevice_attribute that are asked for.</summary>
internal static class DeviceAttribute
{
    public const int MultiprocessorCount = 16;
    public const int ComputeCapabilityMajor = 75;
    public const int ComputeCapabilityMinor = 76;
    public const int CooperativeLaunch = 95;
    public const int MaxSharedMemoryPerBlockOptin = 97;
}

namespace EscNative;

/// <summary>A device that is not there, or that failed.</summary>
/// <param name="message">The device, the call and the reason.</param>
/// <param name="inner">The cause, if another exception was it.</param>
/// <param name="code"><see cref="ErrorCode.Device"/>, or <see cref="ErrorCode.OutOfResources"/> for memory.</param>
public class DeviceException(string message, Exception? inner = null, ErrorCode code = ErrorCode.Device)
    : EscException(code, message, inner);

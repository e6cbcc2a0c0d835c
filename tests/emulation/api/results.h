// The codes that this library returns, as cuda.h numbers them.
#pragma once

#define CUDA_RESULTS(R)                                                                                                  \
  R(CUDA_SUCCESS, 0, "no error")                                                                                        \
  R(CUDA_ERROR_INVALID_VALUE, 1, "invalid argument")                                                                    \
  R(CUDA_ERROR_OUT_OF_MEMORY, 2, "out of memory")                                                                       \
  R(CUDA_ERROR_NOT_INITIALIZED, 3, "initialization error")                                                              \
  R(CUDA_ERROR_DEINITIALIZED, 4, "driver shutting down")                                                                \
  R(CUDA_ERROR_STUB_LIBRARY, 34, "CUDA driver is a stub library")                                                       \
  R(CUDA_ERROR_DEVICE_UNAVAILABLE, 46, "CUDA-capable device(s) is/are busy or unavailable")                             \
  R(CUDA_ERROR_NO_DEVICE, 100, "no CUDA-capable device is detected")                                                    \
  R(CUDA_ERROR_INVALID_DEVICE, 101, "invalid device ordinal")                                                           \
  R(CUDA_ERROR_INVALID_IMAGE, 200, "device kernel image is invalid")                                                    \
  R(CUDA_ERROR_INVALID_CONTEXT, 201, "invalid device context")                                                          \
  R(CUDA_ERROR_NO_BINARY_FOR_GPU, 209, "no kernel image is available for execution on the device")                      \
  R(CUDA_ERROR_ECC_UNCORRECTABLE, 214, "uncorrectable ECC error encountered")                                           \
  R(CUDA_ERROR_INVALID_PTX, 218, "a PTX JIT compilation failed")                                                        \
  R(CUDA_ERROR_INVALID_SOURCE, 300, "device kernel image is invalid")                                                   \
  R(CUDA_ERROR_FILE_NOT_FOUND, 301, "file not found")                                                                   \
  R(CUDA_ERROR_OPERATING_SYSTEM, 304, "OS call failed or operation not supported on this OS")                           \
  R(CUDA_ERROR_INVALID_HANDLE, 400, "invalid resource handle")                                                          \
  R(CUDA_ERROR_NOT_FOUND, 500, "named symbol not found")                                                                \
  R(CUDA_ERROR_NOT_READY, 600, "device not ready")                                                                      \
  R(CUDA_ERROR_ILLEGAL_ADDRESS, 700, "an illegal memory access was encountered")                                        \
  R(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701, "too many resources requested for launch")                                 \
  R(CUDA_ERROR_LAUNCH_TIMEOUT, 702, "the launch timed out and was terminated")                                          \
  R(CUDA_ERROR_CONTEXT_IS_DESTROYED, 709, "context is destroyed")                                                       \
  R(CUDA_ERROR_ASSERT, 710, "device-side assert triggered")                                                             \
  R(CUDA_ERROR_MISALIGNED_ADDRESS, 716, "misaligned address")                                                           \
  R(CUDA_ERROR_LAUNCH_FAILED, 719, "unspecified launch failure")                                                        \
  R(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE, 720, "too many blocks in cooperative launch")                              \
  R(CUDA_ERROR_NOT_PERMITTED, 800, "operation not permitted")                                                           \
  R(CUDA_ERROR_NOT_SUPPORTED, 801, "operation not supported")                                                           \
  R(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, 803, "system has unsupported display driver / cuda driver combination")          \
  R(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, 900, "operation not permitted when stream is capturing")                     \
  R(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, 901, "operation failed due to a previous error during capture")              \
  R(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, 905, "dependency created on uncaptured work in another stream")                \
  R(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, 906, "operation would make the legacy stream depend on a capturing blocking stream") \
  R(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, 908, "attempt to terminate a thread-local capture sequence from another thread") \
  R(CUDA_ERROR_UNKNOWN, 999, "unknown error")

enum {
#define CUDA_RESULT(name, code, text) name = code,
  CUDA_RESULTS(CUDA_RESULT)
#undef CUDA_RESULT
};

// Device memory, pinned host memory, copies and fills.
#include <cstring>

#include "driver.h"

using namespace api;

namespace {
char* pointer(CUdeviceptr p) { return reinterpret_cast<char*>(p); }

// Whether [p, p + bytes) lies in one allocation that the context can reach.
bool is_valid(const Context& context, const void* p, size_t bytes) {
  coh::Buffer* buffer = coh::find_buffer(p, bytes);
  return buffer != nullptr && (buffer->device == context.device || buffer->host);
}

// Host memory that is not pinned is read before the call returns, and written before it does.
bool is_pinned(const void* p, size_t bytes) {
  coh::Buffer* buffer = coh::find_buffer(p, bytes);
  return buffer != nullptr && buffer->host;
}

CUresult to_device(Context& context, Stream* stream, CUdeviceptr to, const void* from, size_t bytes, bool waits) {
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (bytes == 0) return CUDA_SUCCESS;
  if (from == nullptr || !is_valid(context, pointer(to), bytes)) return CUDA_ERROR_INVALID_VALUE;
  Operation copy;
  if (is_pinned(from, bytes) && !waits) {
    copy = [=] { return memcpy(pointer(to), from, bytes), CUDA_SUCCESS; };
  } else {
    auto staged = std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    copy = [=] { return memcpy(pointer(to), staged->data(), bytes), CUDA_SUCCESS; };
  }
  CUresult result = submit(*stream, copy);
  return result == CUDA_SUCCESS && waits ? wait(context) : result;
}

CUresult to_host(Context& context, Stream* stream, void* to, CUdeviceptr from, size_t bytes, bool waits) {
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (bytes == 0) return CUDA_SUCCESS;
  if (to == nullptr || !is_valid(context, pointer(from), bytes)) return CUDA_ERROR_INVALID_VALUE;
  bool captured = stream->capturing;
  CUresult result = submit(*stream, [=] { return memcpy(to, pointer(from), bytes), CUDA_SUCCESS; });
  return result == CUDA_SUCCESS && !captured && (waits || !is_pinned(to, bytes)) ? wait(context) : result;
}

CUresult on_device(Context& context, Stream* stream, CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (bytes == 0) return CUDA_SUCCESS;
  if (!is_valid(context, pointer(from), bytes) || !is_valid(context, pointer(to), bytes)) return CUDA_ERROR_INVALID_VALUE;
  return submit(*stream, [=] { return memmove(pointer(to), pointer(from), bytes), CUDA_SUCCESS; });
}

template <class T> CUresult fill(Context& context, Stream* stream, CUdeviceptr to, T value, size_t count) {
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (count == 0) return CUDA_SUCCESS;
  if (to % sizeof(T) != 0 || !is_valid(context, pointer(to), count * sizeof(T))) return CUDA_ERROR_INVALID_VALUE;
  return submit(*stream, [=] {
    T* p = reinterpret_cast<T*>(to);
    for (size_t i = 0; i < count; i++) p[i] = value;
    return CUDA_SUCCESS;
  });
}
}  // namespace

EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  API_CALL(CurrentContext);
  if (free == nullptr || total == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *free = kDeviceBytes - call.context().used;
  *total = kDeviceBytes;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  API_CALL(CurrentContext);
  Context& context = call.context();
  if (address == nullptr || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = not_capturing(context)) return result;
  if (bytes > kDeviceBytes - context.used) return CUDA_ERROR_OUT_OF_MEMORY;
  void* p = coh::allocate(bytes, context.device, false, flavour_of(context.device) == Flavour::Checked);
  if (p == nullptr) return CUDA_ERROR_OUT_OF_MEMORY;
  context.used += bytes;
  *address = reinterpret_cast<CUdeviceptr>(p);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  API_CALL(CurrentContext);
  Context& context = call.context();
  if (address == 0) return CUDA_SUCCESS;
  if (CUresult result = not_capturing(context)) return result;
  coh::Buffer* buffer = coh::find_buffer(pointer(address), 1);
  if (buffer == nullptr || buffer->host || buffer->begin != pointer(address) || buffer->device != context.device) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = wait(context);  // work that uses it may be on its way
  context.used -= buffer->size;
  coh::release(pointer(address));
  return result;
}

EXPORT CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned flags) {
  API_CALL(CurrentContext);
  if (address == nullptr || bytes == 0 || flags > 7) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = not_capturing(call.context())) return result;
  *address = coh::allocate(bytes, call.context().device, true, flavour_of(call.context().device) == Flavour::Checked);
  return *address != nullptr ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuMemFreeHost(void* address) {
  API_CALL(CurrentContext);
  coh::Buffer* buffer = coh::find_buffer(address, 1);
  if (buffer == nullptr || !buffer->host || buffer->begin != address) return CUDA_ERROR_INVALID_VALUE;
  CUresult result = wait(call.context());
  coh::release(address);
  return result;
}

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* host, unsigned flags) {
  API_CALL(CurrentContext);
  if (address == nullptr || flags != 0 || !is_pinned(host, 1)) return CUDA_ERROR_INVALID_VALUE;
  *address = reinterpret_cast<CUdeviceptr>(host);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  API_CALL(CurrentContext);
  if (CUresult result = not_capturing(call.context())) return result;
  return to_device(call.context(), &call.context().legacy, to, from, bytes, true);
}

EXPORT CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  API_CALL(CurrentContext);
  if (CUresult result = not_capturing(call.context())) return result;
  return to_host(call.context(), &call.context().legacy, to, from, bytes, true);
}

EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  API_CALL(CurrentContext);
  return on_device(call.context(), &call.context().legacy, to, from, bytes);
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, void* stream) {
  API_CALL(CurrentContext);
  return to_device(call.context(), find_stream(call.context(), stream), to, from, bytes, false);
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, void* stream) {
  API_CALL(CurrentContext);
  return to_host(call.context(), find_stream(call.context(), stream), to, from, bytes, false);
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, void* stream) {
  API_CALL(CurrentContext);
  return on_device(call.context(), find_stream(call.context(), stream), to, from, bytes);
}

EXPORT CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
  API_CALL(CurrentContext);
  return fill(call.context(), &call.context().legacy, to, value, count);
}

EXPORT CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
  API_CALL(CurrentContext);
  return fill(call.context(), &call.context().legacy, to, value, count);
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, void* stream) {
  API_CALL(CurrentContext);
  return fill(call.context(), find_stream(call.context(), stream), to, value, count);
}

EXPORT CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, void* stream) {
  API_CALL(CurrentContext);
  return fill(call.context(), find_stream(call.context(), stream), to, value, count);
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, void* stream) {
  API_CALL(CurrentContext);
  return fill(call.context(), find_stream(call.context(), stream), to, value, count);
}

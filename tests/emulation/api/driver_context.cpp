// Devices, contexts, errors by name, and the table of entry points.
#include <cstring>
#include <dlfcn.h>
#include <map>

#include "driver.h"

using namespace api;

EXPORT CUresult cuInit(unsigned flags) {
  API_CALL(Nothing);
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  initialised = true;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int* version) {
  API_CALL(Nothing);
  if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *version = kDriverVersion;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int* count) {
  API_CALL(Initialised);
  if (count == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *count = kDevices;
  return CUDA_SUCCESS;
}

static bool is_device(int device) { return device >= 0 && device < kDevices; }

EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  API_CALL(Initialised);
  if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!is_device(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  API_CALL(Initialised);
  if (name == nullptr || length < 1) return CUDA_ERROR_INVALID_VALUE;
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  static const char* const flavours[] = {"plain", "checked", "coverage", "plain"};
  snprintf(name, static_cast<size_t>(length), "EscNative emulated device (%s)", flavours[device]);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  API_CALL(Initialised);
  if (bytes == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  *bytes = kDeviceBytes;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  API_CALL(Initialised);
  // CUdevice_attribute; the clocks and widths are 0, because no figure may be computed from them.
  static const std::map<int, int> values = {
      {1, 1024}, {2, 1024}, {3, 1024}, {4, 64},                      // threads per block, block dimensions
      {5, 2147483647}, {6, 65535}, {7, 65535},                       // grid dimensions
      {8, static_cast<int>(kSharedBytes)}, {9, 65536}, {10, 32},     // shared memory per block, constant memory, warp
      {11, 2147483647}, {12, 65536}, {14, 512}, {16, kMultiprocessors},
      {19, 1},                                                       // can map host memory
      {31, 1}, {33, 0}, {34, device}, {38, 4 << 20},                 // concurrent kernels, PCI bus and device, L2 cache
      {39, kThreadsPerMultiprocessor}, {40, 2}, {41, 1},             // copy engines, unified addressing
      {75, kMajor}, {76, kMinor}, {81, static_cast<int>(kSharedPerMultiprocessor)}, {82, 65536},
      {95, 1},                                                       // cooperative launch
      {97, static_cast<int>(kSharedOptIn)}, {106, kBlocksPerMultiprocessor}, {111, static_cast<int>(kSharedReserved)}};
  if (value == nullptr || attribute < 1 || attribute > 145) return CUDA_ERROR_INVALID_VALUE;
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  auto entry = values.find(attribute);
  *value = entry == values.end() ? 0 : entry->second;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(void** context, CUdevice device) {
  API_CALL(Initialised);
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  contexts[device].retained++;
  *context = &contexts[device];
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  API_CALL(Initialised);
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  if (contexts[device].retained == 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (--contexts[device].retained == 0) contexts[device].reset();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  API_CALL(Initialised);
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  contexts[device].reset();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  API_CALL(Initialised);
  if (flags == nullptr || active == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  *flags = 0;
  *active = contexts[device].retained > 0;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
  API_CALL(Initialised);
  if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
  return flags <= 0x1f ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static Context* as_context(void* handle) {
  for (Context& context : contexts)
    if (&context == handle && context.retained > 0) return &context;
  return nullptr;
}

EXPORT CUresult cuCtxSetCurrent(void* handle) {
  API_CALL(Initialised);
  Context* context = as_context(handle);
  if (handle != nullptr && context == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  if (!current_contexts.empty()) current_contexts.pop_back();
  if (context != nullptr) current_contexts.push_back(context);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(void** handle) {
  API_CALL(Initialised);
  if (handle == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *handle = current_context();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice(CUdevice* device) {
  API_CALL(CurrentContext);
  if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *device = call.context().device;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPushCurrent_v2(void* handle) {
  API_CALL(Initialised);
  Context* context = as_context(handle);
  if (context == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  current_contexts.push_back(context);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPopCurrent_v2(void** handle) {
  API_CALL(Initialised);
  if (current_contexts.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (handle != nullptr) *handle = current_contexts.back();
  current_contexts.pop_back();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSynchronize() {
  API_CALL(CurrentContext);
  if (CUresult result = not_capturing(call.context())) return result;
  return wait(call.context());
}

EXPORT CUresult cuGetErrorName(CUresult error, const char** name) {
  API_CALL(Nothing);
  if (name == nullptr) return CUDA_ERROR_INVALID_VALUE;
#define CUDA_RESULT(result, code, text) \
  if (error == code) return *name = #result, CUDA_SUCCESS;
  CUDA_RESULTS(CUDA_RESULT)
#undef CUDA_RESULT
  *name = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGetErrorString(CUresult error, const char** string) {
  API_CALL(Nothing);
  if (string == nullptr) return CUDA_ERROR_INVALID_VALUE;
#define CUDA_RESULT(result, code, text) \
  if (error == code) return *string = text, CUDA_SUCCESS;
  CUDA_RESULTS(CUDA_RESULT)
#undef CUDA_RESULT
  *string = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

// Names come without version; the newest one known at 'version' is meant, which here is the only one that is exported.
EXPORT CUresult cuGetProcAddress_v2(const char* name, void** address, int version, unsigned long long flags, int* status) {
  API_CALL(Nothing);
  if (name == nullptr || address == nullptr || version < 2000 || flags > 2) return CUDA_ERROR_INVALID_VALUE;
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&cuInit), &info);
  void* self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  *address = nullptr;
  for (const char* suffix : {"_v2", ""})
    if (*address == nullptr) *address = dlsym(self, (std::string(name) + suffix).c_str());
  dlclose(self);
  if (status != nullptr) *status = *address != nullptr ? 0 : 1;  // CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND
  return *address != nullptr ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

// Modules, functions and launches.
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <link.h>

#include "driver.h"
#include "image.h"

using namespace api;

namespace {
// The mapped range of a library, found by an address in it.
void find_range(Module& module, const void* inside) {
  struct Search {
    Module& module;
    const char* inside;
  } search{module, static_cast<const char*>(inside)};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        const char *begin = nullptr, *end = nullptr;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
          const char* from = reinterpret_cast<const char*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
          const char* to = from + info->dlpi_phdr[i].p_memsz;
          if (begin == nullptr || from < begin) begin = from;
          if (end == nullptr || to > end) end = to;
        }
        if (wanted.inside < begin || wanted.inside >= end) return 0;
        wanted.module.image_begin = begin;
        wanted.module.image_end = end;
        return 1;
      },
      &search);
}

Function* find_function(Context& context, void* handle) {
  for (Module* module : context.modules)
    for (auto& function : module->functions)
      if (function.get() == handle) return function.get();
  return nullptr;
}

int blocks_per_multiprocessor(const Function& function, int threads, size_t dynamic_bytes) {
  int bound = function.kernel->thread_bound != 0 ? function.kernel->thread_bound : 1024;
  if (threads < 1 || threads > bound || dynamic_bytes > function.dynamic_limit) return 0;
  int blocks = kThreadsPerMultiprocessor / ((threads + 31) / 32 * 32);
  int by_shared = static_cast<int>(kSharedPerMultiprocessor / (dynamic_bytes + kSharedReserved));
  return std::min({blocks, by_shared, kBlocksPerMultiprocessor});
}

// What a launch needs when it runs: the arguments are copied, as the driver does.
struct Prepared {
  coh::LaunchRequest request;
  std::vector<std::vector<char>> values;
  std::vector<void*> pointers;
};

CUresult launch(Context& context, void* handle, dim3 grid, dim3 block, unsigned dynamic_bytes, void* stream_handle, void** arguments, bool cooperative) {
  Function* function = find_function(context, handle);
  Stream* stream = find_stream(context, stream_handle);
  if (function == nullptr || stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  const coh::Kernel& kernel = *function->kernel;
  if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) return CUDA_ERROR_INVALID_VALUE;
  if (block.x == 0 || block.y == 0 || block.z == 0 || block.x > 1024 || block.y > 1024 || block.z > 64) return CUDA_ERROR_INVALID_VALUE;
  unsigned threads = block.x * block.y * block.z;
  if (threads > 1024 || dynamic_bytes > function->dynamic_limit) return CUDA_ERROR_INVALID_VALUE;
  if (kernel.thread_bound != 0 && threads > static_cast<unsigned>(kernel.thread_bound)) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  if (kernel.parameters > 0 && arguments == nullptr) return CUDA_ERROR_INVALID_VALUE;
  size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;
  if (cooperative && blocks > static_cast<size_t>(kMultiprocessors) * static_cast<size_t>(blocks_per_multiprocessor(*function, static_cast<int>(threads), dynamic_bytes)))
    return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
  auto prepared = std::make_shared<Prepared>();
  for (int i = 0; i < kernel.parameters; i++) {
    if (arguments[i] == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const char* value = static_cast<const char*>(arguments[i]);
    prepared->values.emplace_back(value, value + kernel.sizes[i]);
  }
  for (auto& value : prepared->values) prepared->pointers.push_back(value.data());
  coh::LaunchRequest& request = prepared->request;
  request = {};
  request.kernel = &kernel;
  request.arguments = prepared->pointers.data();
  request.grid = grid;
  request.block = block;
  request.dynamic_bytes = dynamic_bytes;
  request.shared_limit = function->dynamic_limit > kSharedBytes ? kSharedOptIn : kSharedBytes;
  request.cooperative = cooperative;
  request.checked = flavour_of(context.device) == Flavour::Checked;
  request.schedule = schedule.mode;
  request.seed = schedule.seed;
  request.ends = schedule.ends;
  request.image_begin = function->module->image_begin;
  request.image_end = function->module->image_end;
  return submit(*stream, [prepared] { return coh::run_launch(prepared->request) ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS; });
}
}  // namespace

EXPORT CUresult cuModuleLoadData(void** handle, const void* data) {
  API_CALL(CurrentContext);
  Context& context = call.context();
  if (handle == nullptr || data == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult result = not_capturing(context)) return result;
  const char* text = static_cast<const char*>(data);
  if (strncmp(text, kImageMagic, 4) != 0) return strncmp(text, "//", 2) == 0 ? CUDA_ERROR_INVALID_PTX : CUDA_ERROR_INVALID_IMAGE;
  if (strncmp(text + 4, kImageMark, sizeof kImageMark) != 0) return CUDA_ERROR_INVALID_IMAGE;
  Image image;
  memcpy(&image, data, sizeof image);
  if (!is_image(image)) return CUDA_ERROR_INVALID_IMAGE;
  if (image.major != kMajor || image.minor > kMinor) return CUDA_ERROR_NO_BINARY_FOR_GPU;
  std::string folder = library_folder(), path = folder + "/plain/" + image.file + ".so";
  if (flavour_of(context.device) == Flavour::Checked) path = folder + "/checked/" + image.file + ".so";
  std::string covered = folder + "/coverage/" + image.file + ".so";
  void* library = nullptr;
  if (flavour_of(context.device) == Flavour::Coverage) library = dlopen(covered.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    coh::report_host("cuModuleLoadData: %s", dlerror());
    return CUDA_ERROR_FILE_NOT_FOUND;
  }
  auto* module = new Module{&context, library, nullptr, nullptr, {}};
  context.modules.insert(module);
  *handle = module;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleLoadDataEx(void** handle, const void* data, unsigned, int*, void**) { return cuModuleLoadData(handle, data); }

EXPORT CUresult cuModuleUnload(void* handle) {
  API_CALL(CurrentContext);
  auto* module = static_cast<Module*>(handle);
  if (call.context().modules.count(module) == 0) return CUDA_ERROR_INVALID_HANDLE;
  CUresult result = wait(call.context());
  call.context().modules.erase(module);
  dlclose(module->library);
  delete module;
  return result;
}

EXPORT CUresult cuModuleGetFunction(void** function, void* handle, const char* name) {
  API_CALL(CurrentContext);
  auto* module = static_cast<Module*>(handle);
  if (function == nullptr || name == nullptr || *name == 0) return CUDA_ERROR_INVALID_VALUE;
  if (call.context().modules.count(module) == 0) return CUDA_ERROR_INVALID_HANDLE;
  for (auto& known : module->functions)
    if (strcmp(known->kernel->name, name) == 0) return *function = known.get(), CUDA_SUCCESS;
  auto* kernel = static_cast<const coh::Kernel*>(dlsym(module->library, (std::string(name) + "__kernel").c_str()));
  if (kernel == nullptr) return CUDA_ERROR_NOT_FOUND;
  if (module->image_begin == nullptr) find_range(*module, kernel);
  module->functions.push_back(std::make_unique<Function>(Function{module, kernel}));
  *function = module->functions.back().get();
  return CUDA_SUCCESS;
}

// CUfunction_attribute
enum { kMaxThreadsPerBlock = 0, kSharedSize = 1, kConstSize = 2, kLocalSize = 3, kRegisters = 4, kPtxVersion = 5, kBinaryVersion = 6, kMaxDynamicShared = 8, kCarveout = 9 };

EXPORT CUresult cuFuncGetAttribute(int* value, int attribute, void* handle) {
  API_CALL(CurrentContext);
  Function* function = find_function(call.context(), handle);
  if (value == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  switch (attribute) {
    case kMaxThreadsPerBlock: *value = function->kernel->thread_bound != 0 ? function->kernel->thread_bound : 1024; break;
    case kSharedSize:
    case kConstSize:
    case kLocalSize:
    case kRegisters: *value = 0; break;  // unknown here: only NVRTC's real compiler knows them
    case kPtxVersion:
    case kBinaryVersion: *value = kMajor * 10 + kMinor; break;
    case kMaxDynamicShared: *value = static_cast<int>(function->dynamic_limit); break;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuFuncSetAttribute(void* handle, int attribute, int value) {
  API_CALL(CurrentContext);
  Function* function = find_function(call.context(), handle);
  if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (attribute == kCarveout) return value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  if (attribute != kMaxDynamicShared || value < 0 || static_cast<size_t>(value) > kSharedOptIn) return CUDA_ERROR_INVALID_VALUE;
  function->dynamic_limit = static_cast<size_t>(value);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned dynamic_bytes,
                               void* stream, void** arguments, void** extra) {
  // ESC_EMULATOR_NOOP=1: what is left of a launch is the caller's own cost, which a benchmark measures.
  static const bool noop = [] {
    const char* value = getenv("ESC_EMULATOR_NOOP");
    return value != nullptr && *value == '1';
  }();
  if (noop) return CUDA_SUCCESS;
  API_CALL(CurrentContext);
  if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
  return launch(call.context(), function, {gx, gy, gz}, {bx, by, bz}, dynamic_bytes, stream, arguments, false);
}

EXPORT CUresult cuLaunchCooperativeKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                                          unsigned dynamic_bytes, void* stream, void** arguments) {
  API_CALL(CurrentContext);
  return launch(call.context(), function, {gx, gy, gz}, {bx, by, bz}, dynamic_bytes, stream, arguments, true);
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* handle, int threads, size_t dynamic_bytes) {
  API_CALL(CurrentContext);
  Function* function = find_function(call.context(), handle);
  if (blocks == nullptr || threads < 1) return CUDA_ERROR_INVALID_VALUE;
  if (function == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  *blocks = blocks_per_multiprocessor(*function, threads, dynamic_bytes);
  return CUDA_SUCCESS;
}

// The state behind the driver API: devices with their primary contexts, and what lives in a context.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "../machine/memory.h"
#include "../machine/runtime.h"
#include "results.h"

#define EXPORT extern "C" __attribute__((visibility("default")))
using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;

namespace api {
constexpr int kDevices = 4;
constexpr size_t kDeviceBytes = size_t{2} << 30;
constexpr int kMultiprocessors = 4, kThreadsPerMultiprocessor = 2048, kBlocksPerMultiprocessor = 32;
constexpr int kMajor = 8, kMinor = 0;
constexpr size_t kSharedBytes = 48 << 10, kSharedOptIn = 163 << 10, kSharedPerMultiprocessor = 164 << 10, kSharedReserved = 1 << 10;
constexpr int kDriverVersion = 12040;

enum class Flavour { Plain, Checked, Coverage };
Flavour flavour_of(int device);

struct Context;
// Work of a stream; its result is CUDA_SUCCESS or what the context fails with.
using Operation = std::function<CUresult()>;

enum class CaptureMode { Global, ThreadLocal, Relaxed };

struct Stream {
  Context* context;
  bool waits_for_legacy;  // made without CU_STREAM_NON_BLOCKING
  bool capturing = false, capture_broken = false, was_captured = false;
  CaptureMode mode = CaptureMode::Global;
  std::thread::id thread;  // that began the capture
  std::vector<Operation> captured;
};

struct Event {
  Context* context;
  bool timed, recorded = false;
  uint64_t ticket = 0;  // of the operation that records it
  double milliseconds = 0;
};

struct Module {
  Context* context;
  void* library;
  const char *image_begin, *image_end;
  std::vector<std::unique_ptr<struct Function>> functions;
};

struct Function {
  Module* module;
  const coh::Kernel* kernel;
  size_t dynamic_limit = kSharedBytes;
};

struct Graph {
  std::vector<Operation> operations;
};
struct ExecutableGraph {
  Context* context;
  std::vector<Operation> operations;
};

struct Context {
  int device;
  int retained = 0;
  CUresult failed = CUDA_SUCCESS;  // as after an illegal access: every call returns it until the context is reset
  size_t used = 0;
  Stream legacy{this, true};
  std::set<Stream*> streams;
  std::set<Event*> events;
  std::set<Module*> modules;
  void reset();
};

extern std::recursive_mutex lock;
extern Context contexts[kDevices];
extern std::set<Graph*> graphs;
extern std::set<ExecutableGraph*> executable_graphs;
extern thread_local std::vector<Context*> current_contexts;

// One call of the API: takes the lock and finds the faults that were asked for. result() is what the call must return at once, or success.
class Call {
 public:
  enum Needs { Nothing, Initialised, CurrentContext };
  Call(const char* name, Needs needs);
  CUresult result() const { return result_; }
  Context& context() const { return *context_; }

 private:
  std::lock_guard<std::recursive_mutex> guard_;
  CUresult result_ = CUDA_SUCCESS;
  Context* context_ = nullptr;
};
#define API_CALL(needs)                 \
  api::Call call(__func__, api::Call::needs); \
  if (call.result() != CUDA_SUCCESS) return call.result()

extern bool initialised;
Context* current_context();
Stream* find_stream(Context& context, void* handle);  // null: no stream of this context; the handles 0, 1, 2 are the legacy stream

// Runs it, keeps it for the next wait (ESC_EMULATOR_LAZY=1), or records it.
CUresult submit(Stream& stream, Operation operation, Event* event = nullptr);
// Whether a call that waits, or allocates, may be made now: not while a stream is captured, as far as its mode says.
CUresult not_capturing(Context& context);
// Runs what is kept, up to a ticket or all.
CUresult wait(Context& context, uint64_t ticket = UINT64_MAX);
bool is_pending(const Stream* stream, uint64_t ticket);
void forget(const Context& context);
bool is_lazy();

// The schedule of launches by this thread.
struct ScheduleChoice {
  coh::Schedule mode = coh::Schedule::Forward;
  uint64_t seed = 1;
  bool ends = false;
};
extern thread_local ScheduleChoice schedule;

// The n-th next call of a name fails. Names match with or without a _v2 at the end.
struct InjectedFault {
  int code;
  bool sticky;
};
bool take_injected(const char* name, InjectedFault& fault);

std::string library_folder();  // where this library and the kernels lie
}  // namespace api

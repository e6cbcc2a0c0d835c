// What all calls share: the lock, the current context, the queue of work.
#include <chrono>
#include <cstdlib>
#include <deque>
#include <dlfcn.h>

#include "driver.h"

namespace api {
std::recursive_mutex lock;
bool initialised;
Context contexts[kDevices] = {{0}, {1}, {2}, {3}};
std::set<Graph*> graphs;
std::set<ExecutableGraph*> executable_graphs;
thread_local std::vector<Context*> current_contexts;
thread_local ScheduleChoice schedule;

namespace {
struct Pending {
  Context* context;
  Stream* stream;
  uint64_t ticket;
  Operation operation;
};
// One queue for all streams: any order that respects the streams and their events is allowed, the order of issue is one of them.
std::deque<Pending> queue;
uint64_t next_ticket = 1;

double now() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void run(Context& context, const Operation& operation) {
  if (context.failed == CUDA_SUCCESS) context.failed = operation();
}
}  // namespace

bool is_lazy() {
  static bool lazy = [] {
    const char* value = getenv("ESC_EMULATOR_LAZY");
    return value != nullptr && *value == '1';
  }();
  return lazy;
}

Flavour flavour_of(int device) { return device == 1 ? Flavour::Checked : device == 2 ? Flavour::Coverage : Flavour::Plain; }

std::string library_folder() {
  static std::string folder = [] {
    Dl_info info;
    dladdr(reinterpret_cast<void*>(&library_folder), &info);
    std::unique_ptr<char, decltype(&free)> path(realpath(info.dli_fname, nullptr), &free);
    std::string name = path ? path.get() : info.dli_fname;
    return name.substr(0, name.rfind('/'));
  }();
  return folder;
}

Context* current_context() { return current_contexts.empty() ? nullptr : current_contexts.back(); }

Call::Call(const char* name, Needs needs) : guard_(lock) {
  context_ = current_context();
  InjectedFault fault;
  if (take_injected(name, fault)) {
    result_ = fault.code;
    if (fault.sticky && context_ != nullptr) context_->failed = fault.code;
    return;
  }
  if (needs != Nothing && !initialised) result_ = CUDA_ERROR_NOT_INITIALIZED;
  else if (needs == CurrentContext && (context_ == nullptr || context_->retained == 0)) result_ = CUDA_ERROR_INVALID_CONTEXT;
  else if (needs == CurrentContext) result_ = context_->failed;
}

Stream* find_stream(Context& context, void* handle) {
  if (reinterpret_cast<uintptr_t>(handle) <= 2) return &context.legacy;
  auto* stream = static_cast<Stream*>(handle);
  return context.streams.count(stream) != 0 ? stream : nullptr;
}

CUresult submit(Stream& stream, Operation operation, Event* event) {
  Context& context = *stream.context;
  if (stream.capturing) {
    if (event != nullptr) {  // forks of a capture through events are not emulated
      stream.capture_broken = true;
      return CUDA_ERROR_NOT_SUPPORTED;
    }
    stream.captured.push_back(std::move(operation));
    return CUDA_SUCCESS;
  }
  if (&stream == &context.legacy)
    for (Stream* other : context.streams)
      if (other->capturing && other->waits_for_legacy) {
        other->capture_broken = true;
        return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
      }
  uint64_t ticket = next_ticket++;
  if (event != nullptr) {
    event->recorded = true;
    event->ticket = ticket;
    operation = [event] {
      event->milliseconds = now();
      return CUDA_SUCCESS;
    };
  }
  if (is_lazy()) queue.push_back({&context, &stream, ticket, std::move(operation)});
  else run(context, operation);
  // As on a device, what goes wrong while it runs is told by a later call.
  return CUDA_SUCCESS;
}

CUresult not_capturing(Context& context) {
  CUresult result = CUDA_SUCCESS;
  for (Stream* stream : context.streams)
    if (stream->capturing && stream->mode != CaptureMode::Relaxed &&
        (stream->mode == CaptureMode::Global || stream->thread == std::this_thread::get_id())) {
      stream->capture_broken = true;
      result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  return result;
}

CUresult wait(Context& context, uint64_t ticket) {
  while (!queue.empty() && queue.front().ticket <= ticket) {
    Pending next = std::move(queue.front());
    queue.pop_front();
    run(*next.context, next.operation);
  }
  return context.failed;
}

bool is_pending(const Stream* stream, uint64_t ticket) {
  for (const Pending& pending : queue)
    if ((stream == nullptr || pending.stream == stream) && pending.ticket <= ticket) return true;
  return false;
}

void forget(const Context& context) {
  for (auto pending = queue.begin(); pending != queue.end();) pending = pending->context == &context ? queue.erase(pending) : pending + 1;
}

void Context::reset() {
  forget(*this);
  for (Stream* stream : streams) delete stream;
  for (Event* event : events) delete event;
  for (Module* module : modules) {
    dlclose(module->library);
    delete module;
  }
  for (auto graph = executable_graphs.begin(); graph != executable_graphs.end();) {
    auto next = std::next(graph);
    if ((*graph)->context == this) {
      delete *graph;
      executable_graphs.erase(graph);
    }
    graph = next;
  }
  streams.clear();
  events.clear();
  modules.clear();
  legacy.captured.clear();
  coh::release_all(device);
  used = 0;
  failed = CUDA_SUCCESS;
}
}  // namespace api

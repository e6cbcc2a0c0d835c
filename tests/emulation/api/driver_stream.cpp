// Streams, events, and the capture of a stream into a graph.
#include "../machine/reports.h"
#include "library_handle.h"

using namespace api;

EXPORT CUresult cuStreamCreate(void** handle, unsigned flags) {
  API_CALL(CurrentContext);
  if (handle == nullptr || flags > 1) return CUDA_ERROR_INVALID_VALUE;
  auto* stream = new Stream{&call.context(), flags == 0};
  call.context().streams.insert(stream);
  *handle = stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamCreateWithPriority(void** handle, unsigned flags, int) { return cuStreamCreate(handle, flags); }

static Stream* created_stream(Context& context, void* handle) {
  Stream* stream = find_stream(context, handle);
  return stream == &context.legacy ? nullptr : stream;
}

EXPORT CUresult cuStreamDestroy_v2(void* handle) {
  API_CALL(CurrentContext);
  Stream* stream = created_stream(call.context(), handle);
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  wait(call.context());
  // The real libraries look at the stream that they leave when they are given another one.
  for (LibraryHandle* handle_of_library : LibraryHandle::library_handles())
    if (stream->was_captured && handle_of_library->stream == stream) coh::report_host("cuStreamDestroy: a handle of cuBLAS or cuSOLVER is set to this stream");
  call.context().streams.erase(stream);
  delete stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(void* handle) {
  API_CALL(CurrentContext);
  Stream* stream = find_stream(call.context(), handle);
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (stream->capturing) {
    stream->capture_broken = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  return wait(call.context());
}

EXPORT CUresult cuStreamQuery(void* handle) {
  API_CALL(CurrentContext);
  Stream* stream = find_stream(call.context(), handle);
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (stream->capturing) {
    stream->capture_broken = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  return is_pending(stream, UINT64_MAX) ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}

static Event* find_event(Context& context, void* handle) {
  auto* event = static_cast<Event*>(handle);
  return context.events.count(event) != 0 ? event : nullptr;
}

EXPORT CUresult cuStreamWaitEvent(void* handle, void* event_handle, unsigned flags) {
  API_CALL(CurrentContext);
  Stream* stream = find_stream(call.context(), handle);
  Event* event = find_event(call.context(), event_handle);
  if (stream == nullptr || event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (flags > 1) return CUDA_ERROR_INVALID_VALUE;
  if (stream->capturing) {
    stream->capture_broken = true;
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  return CUDA_SUCCESS;  // the queue keeps the order of issue, and so this one
}

EXPORT CUresult cuEventCreate(void** handle, unsigned flags) {
  API_CALL(CurrentContext);
  if (handle == nullptr || flags > 7) return CUDA_ERROR_INVALID_VALUE;
  auto* event = new Event{&call.context(), (flags & 2) == 0};
  call.context().events.insert(event);
  *handle = event;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(void* handle) {
  API_CALL(CurrentContext);
  Event* event = find_event(call.context(), handle);
  if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (event->recorded) wait(call.context(), event->ticket);
  call.context().events.erase(event);
  delete event;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(void* handle, void* stream_handle) {
  API_CALL(CurrentContext);
  Event* event = find_event(call.context(), handle);
  Stream* stream = find_stream(call.context(), stream_handle);
  if (event == nullptr || stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  return submit(*stream, {}, event);
}

EXPORT CUresult cuEventQuery(void* handle) {
  API_CALL(CurrentContext);
  Event* event = find_event(call.context(), handle);
  if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  return event->recorded && is_pending(nullptr, event->ticket) ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}

EXPORT CUresult cuEventSynchronize(void* handle) {
  API_CALL(CurrentContext);
  Event* event = find_event(call.context(), handle);
  if (event == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  return event->recorded ? wait(call.context(), event->ticket) : CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime(float* milliseconds, void* begin_handle, void* end_handle) {
  API_CALL(CurrentContext);
  Event *begin = find_event(call.context(), begin_handle), *end = find_event(call.context(), end_handle);
  if (milliseconds == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (begin == nullptr || end == nullptr || !begin->recorded || !end->recorded || !begin->timed || !end->timed) return CUDA_ERROR_INVALID_HANDLE;
  if (is_pending(nullptr, begin->ticket) || is_pending(nullptr, end->ticket)) return CUDA_ERROR_NOT_READY;
  *milliseconds = static_cast<float>(end->milliseconds - begin->milliseconds);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamBeginCapture_v2(void* handle, int mode) {
  API_CALL(CurrentContext);
  if (mode < 0 || mode > 2) return CUDA_ERROR_INVALID_VALUE;
  Stream* stream = find_stream(call.context(), handle);
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (stream == &call.context().legacy) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (stream->capturing) return CUDA_ERROR_INVALID_VALUE;
  stream->capturing = stream->was_captured = true;
  stream->capture_broken = false;
  stream->mode = static_cast<CaptureMode>(mode);
  stream->thread = std::this_thread::get_id();
  stream->captured.clear();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(void* handle, void** graph) {
  API_CALL(CurrentContext);
  Stream* stream = find_stream(call.context(), handle);
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (graph == nullptr || !stream->capturing) return CUDA_ERROR_INVALID_VALUE;
  if (stream->mode != CaptureMode::Relaxed && stream->thread != std::this_thread::get_id()) return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  stream->capturing = false;
  *graph = nullptr;
  if (stream->capture_broken) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  auto* made = new Graph{std::move(stream->captured)};
  stream->captured.clear();
  graphs.insert(made);
  *graph = made;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamIsCapturing(void* handle, int* status) {
  API_CALL(CurrentContext);
  Stream* stream = find_stream(call.context(), handle);
  if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  if (status == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *status = !stream->capturing ? 0 : stream->capture_broken ? 2 : 1;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuThreadExchangeStreamCaptureMode(int* mode) {
  API_CALL(Initialised);
  thread_local int kept = 0;
  if (mode == nullptr || *mode < 0 || *mode > 2) return CUDA_ERROR_INVALID_VALUE;
  std::swap(kept, *mode);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphInstantiateWithFlags(void** executable, void* handle, unsigned long long flags) {
  API_CALL(CurrentContext);
  auto* graph = static_cast<Graph*>(handle);
  if (executable == nullptr || flags > 15) return CUDA_ERROR_INVALID_VALUE;
  if (graphs.count(graph) == 0) return CUDA_ERROR_INVALID_VALUE;
  auto* made = new ExecutableGraph{&call.context(), graph->operations};
  executable_graphs.insert(made);
  *executable = made;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphLaunch(void* handle, void* stream_handle) {
  API_CALL(CurrentContext);
  auto* executable = static_cast<ExecutableGraph*>(handle);
  Stream* stream = find_stream(call.context(), stream_handle);
  if (stream == nullptr || executable_graphs.count(executable) == 0 || executable->context != &call.context()) return CUDA_ERROR_INVALID_HANDLE;
  for (const Operation& operation : executable->operations)
    if (CUresult result = submit(*stream, operation)) return result;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphExecDestroy(void* handle) {
  API_CALL(CurrentContext);
  auto* executable = static_cast<ExecutableGraph*>(handle);
  if (executable_graphs.erase(executable) == 0) return CUDA_ERROR_INVALID_VALUE;
  delete executable;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphDestroy(void* handle) {
  API_CALL(CurrentContext);
  auto* graph = static_cast<Graph*>(handle);
  if (graphs.erase(graph) == 0) return CUDA_ERROR_INVALID_VALUE;
  delete graph;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphGetNodes(void* handle, void** nodes, size_t* count) {
  API_CALL(CurrentContext);
  auto* graph = static_cast<Graph*>(handle);
  if (count == nullptr || graphs.count(graph) == 0) return CUDA_ERROR_INVALID_VALUE;
  size_t total = graph->operations.size();
  if (nodes != nullptr)
    for (size_t i = 0; i < *count; i++) nodes[i] = i < total ? &graph->operations[i] : nullptr;
  *count = nodes != nullptr && *count < total ? *count : total;
  return CUDA_SUCCESS;
}

// What handles of the emulated cuBLAS and cuSOLVER share: a context and a stream of it.
#pragma once
#include "driver.h"

namespace api {
struct LibraryHandle {
  Context* context;
  Stream* stream;
  LibraryHandle(Context* context, Stream* stream) : context(context), stream(stream) { library_handles().insert(this); }
  ~LibraryHandle() { library_handles().erase(this); }
  LibraryHandle(const LibraryHandle&) = delete;
  LibraryHandle& operator=(const LibraryHandle&) = delete;
  static std::set<LibraryHandle*>& library_handles() {
    static std::set<LibraryHandle*> all;
    return all;
  }
};

// Null where the handle is not of this set.
inline LibraryHandle* find_handle(const std::set<LibraryHandle*>& handles, void* handle) {
  auto* known = static_cast<LibraryHandle*>(handle);
  return handles.count(known) != 0 ? known : nullptr;
}

// A matrix of 'columns' columns, 'leading' elements apart.
inline bool is_on_device(const Context& context, const void* p, size_t rows, size_t columns, size_t leading, size_t element) {
  if (rows == 0 || columns == 0) return true;
  const coh::Buffer* buffer = coh::find_buffer(p, ((columns - 1) * leading + rows) * element);
  return buffer != nullptr && (buffer->device == context.device || buffer->host);
}
}  // namespace api

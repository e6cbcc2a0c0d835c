// Where the shared arrays of the launch stand: the same place in the arena of every block.
#pragma once
#include "runtime.h"

namespace coh {
constexpr size_t kArenaBytes = 256 << 10;
constexpr int kMaximumArrays = 64;
constexpr size_t kOwnerUnit = 16;

struct SharedLayout {
  struct Array {
    const char* name;
    size_t offset, size;
  } arrays[kMaximumArrays];
  int count;
  size_t end, bytes;
  uint8_t owner[kArenaBytes / kOwnerUnit];  // 1 + the array that has a byte in the unit; 0: none
};
extern SharedLayout shared_layout;

int add_shared(const char* name, size_t size);
size_t shared_offset(const void* address);  // in all arenas together
}  // namespace coh

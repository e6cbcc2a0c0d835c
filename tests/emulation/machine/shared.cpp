// Shared memory: each block that is resident has an arena, in which the arrays stand apart from one another.
#include "shared.h"

#include <cstdlib>
#include <sys/mman.h>

namespace coh {
SharedLayout shared_layout;

namespace {
constexpr size_t kRedZone = 64;
char* arenas;
int arena_count;
}  // namespace

void begin_shared(int resident_blocks) {
  if (resident_blocks > arena_count) {
    if (arenas != nullptr) munmap(arenas, arena_count * kArenaBytes);
    arena_count = resident_blocks;
    void* all = mmap(nullptr, arena_count * kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) abort();
    arenas = static_cast<char*>(all);
  }
  shared_layout.count = 0;
  shared_layout.end = 0;
  shared_layout.bytes = 0;
  memset(shared_layout.owner, 0, sizeof shared_layout.owner);
  add_shared("dynamic shared memory", launch.dynamic_bytes);
}

void begin_shared(Block& block, int slot) {
  block.arena = arenas + slot * kArenaBytes;
  block.touched = 0;
}

int add_shared(const char* name, size_t size) {
  SharedLayout& layout = shared_layout;
  if (layout.count == kMaximumArrays || layout.bytes + size > launch.shared_limit) {
    report("%s of %zu bytes: more than the %zu bytes of shared memory that this kernel may use", name, size, launch.shared_limit);
    abandon();
  }
  int slot = layout.count++;
  size_t offset = (layout.end + kRedZone + 127) / 128 * 128;
  layout.arrays[slot] = {name, offset, size};
  layout.end = offset + size;
  layout.bytes += size;
  for (size_t unit = offset / kOwnerUnit; unit * kOwnerUnit < offset + size; unit++) layout.owner[unit] = static_cast<uint8_t>(slot + 1);
  return slot;
}

size_t shared_bytes_used() { return shared_layout.bytes; }

bool in_shared(const void* address) {
  return arenas != nullptr && static_cast<size_t>(static_cast<const char*>(address) - arenas) < arena_count * kArenaBytes;
}

size_t shared_offset(const void* address) { return static_cast<size_t>(static_cast<const char*>(address) - arenas); }

namespace {
void* touch(unsigned slot) {
  Block& block = *running()->block;
  const SharedLayout::Array& array = shared_layout.arrays[slot];
  char* begin = block.arena + array.offset;
  if ((block.touched >> slot & 1) == 0) {
    block.touched |= 1ull << slot;
    memset(begin, 0xFF, array.size);  // NaN in every float type, -1 in the others
  }
  return begin;
}
}  // namespace

void* shared_array(SharedArray& array) {
  if (array.launch != launch.serial) {
    array.slot = static_cast<unsigned>(add_shared(array.name, array.size));
    array.launch = launch.serial;
  }
  return touch(array.slot);
}

void* dynamic_shared() { return touch(0); }
}  // namespace coh

// The memory that kernels may touch: device allocations and pinned host memory, each against a guard page.
#pragma once
#include <cstddef>
#include <cstdint>

namespace coh {
// What the checker remembers of each granule of memory: names of (thread, interval), 0 for nobody.
struct Cell {
  uint32_t write, first_read, last_read;
};
struct Shadow {
  Cell* cells = nullptr;
  size_t bytes = 0;  // of the memory it stands for
  int granule = 4;   // the smallest access so far: 4, 2 or 1 bytes
  size_t touched_begin = 0, touched_end = 0;
  void create(size_t bytes);
  void refine(int granule);
  void clear();
  void destroy();
};

struct Buffer {
  char* begin;
  size_t size;
  int device;
  bool host;
  char *pages_begin, *pages_end;
  Shadow shadow;
};

// 256-byte aligned, filled with 0xFF; null where address space is short.
void* allocate(size_t size, int device, bool host, bool checked);
// False: no allocation begins there.
bool release(void* begin);
void release_all(int device);
// The buffer that holds [address, address + size) whole, or null.
Buffer* find_buffer(const void* address, size_t size);
// The buffer whose begin or end is closest; null when the address is not of this memory.
Buffer* nearest_buffer(const void* address);
bool in_reserve(const void* address);
void clear_shadows();
}  // namespace coh

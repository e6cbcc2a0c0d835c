// What kernels compiled for the host share with the library that runs them.
#pragma once
#include "types.h"

#define COH_API __attribute__((visibility("default")))
// Helpers of the emulation itself are no memory accesses of the kernel: the checked build must not instrument them.
#ifdef __SANITIZE_THREAD__
#define COH_UNCHECKED __attribute__((noinline, no_sanitize("thread")))
#else
#define COH_UNCHECKED
#endif
// The place of a call in the kernel's source, as trailing default parameters.
#define COH_LOC const char* file = __builtin_FILE(), int line = __builtin_LINE()

namespace coh {
struct Kernel {
  const char* name;
  void (*run)(void** arguments);
  int parameters;
  const int* sizes;
  int thread_bound;  // of __launch_bounds__; 0: none
};

// The part of a thread that kernels read.
struct ThreadView {
  uint3 thread, block;
  int lane;
};
extern COH_API ThreadView* current;
extern COH_API dim3 grid_size, block_size;

COH_UNCHECKED inline uint3 thread_index() { return current->thread; }
COH_UNCHECKED inline uint3 block_index() { return current->block; }
COH_UNCHECKED inline dim3 grid_dimensions() { return grid_size; }
COH_UNCHECKED inline dim3 block_dimensions() { return block_size; }

// An array declared by SMEM, placed anew in every launch.
struct SharedArray {
  size_t size;
  const char* name;
  uint64_t launch = 0;
  unsigned slot = 0;
  size_t offset = 0;
};
COH_API void* shared_array(SharedArray& array);
COH_API void* dynamic_shared();

struct Votes { int nonzero, cast; };
COH_API void block_barrier(const char* file, int line);
COH_API Votes block_reduce(int value, const char* file, int line);
COH_API void grid_barrier(const char* file, int line);

// Each lane of the mask leaves its arguments; the last one to arrive runs 'complete' for all of them.
// arguments[l] is null for lanes outside the mask. Lanes may differ in their arguments, never in mask and operation.
using Collective = void (*)(void** arguments, unsigned mask);
COH_API void warp_collective(unsigned mask, void* arguments, Collective complete, bool orders_memory, const char* file, int line);

// 'valid' bytes of 'size' are copied and the rest set to 0 when the thread waits, no earlier.
COH_API void cp_async(void* shared, const void* global, int size, int valid, const char* file, int line);
COH_API void cp_commit();
COH_API void cp_wait(int open_groups);

// Tells the checker what the compiler's hooks do not see.
COH_API void check_atomic(const void* address, size_t size, const void* pc);
COH_API void check_access(const void* address, size_t size, bool write, const void* pc);

// Counts as an error of the launch that runs.
COH_API void report(const char* format, ...) __attribute__((format(printf, 1, 2)));
}  // namespace coh

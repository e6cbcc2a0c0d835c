// The state of a launch: its threads, its blocks, and what the parts of the machine call of each other.
#pragma once
#include <vector>

#include "../host/machine.h"
#include "fiber.h"
#include "reports.h"

namespace coh {
// Two thousand threads on each of four multiprocessors, in blocks of at least a warp.
constexpr int kMaximumResidentBlocks = 256;

enum class Schedule { Forward, Reverse, Random, Greedy };
enum class State : uint8_t { Ready, AtBlockBarrier, AtGridBarrier, AtWarp, Done };

// A cp.async on its way.
struct AsyncCopy {
  void* shared;
  const void* global;
  int size, valid;
  const void* pc;
};

struct Block;

struct Thread : ThreadView {
  Block* block;
  int linear, warp;  // in the block
  void* stack_pointer;
  int stack;
  State state;
  const char* file;  // where it waits
  int line;
  unsigned mask;  // what it brought to a warp collective
  Collective operation;
  void* arguments;
  std::vector<AsyncCopy> copies;
  std::vector<size_t> groups;  // copies[0, groups[i]) are committed by group i
  uint16_t warp_interval;      // __syncwarp passed
  uint32_t stamps[2];          // the checker's names for (this thread, this interval): plain, atomic
  uint32_t stamp_interval;
  uint16_t stamp_warp_interval;
};

struct Block {
  uint3 index;
  uint32_t number;  // in the launch, in the order of the grid
  Thread* threads;
  int live, at_barrier;
  uint32_t interval;  // barriers passed
  struct {
    uint32_t interval;
    Votes votes;
  } reductions[2];
  char* arena;            // its shared memory
  uint64_t touched;       // the arrays of it that have been poisoned
  uint32_t first_stamp;   // earlier names in its arena are of blocks before it
};

// One launch runs at a time, under the lock of the API.
struct Launch {
  const Kernel* kernel;
  void** arguments;
  bool cooperative, checked;
  size_t dynamic_bytes, shared_limit;
  const char *image_begin, *image_end;  // the kernel library: its constants may be read
  uint64_t serial;
  Schedule schedule;
  uint64_t random;
  int block_threads;
  int resident, live, started;  // threads of the blocks that run side by side
  int at_grid_barrier;
  uint32_t grid_interval;
  bool barrier_error;  // told once
  void* main_stack;
  bool running;
  int errors;
};
extern Launch launch;
extern std::vector<Thread> threads;

inline Thread* running() { return static_cast<Thread*>(current); }
uint64_t next_random();

// scheduler.cpp
void make_ready(Thread* thread);
void yield();                  // the running thread waits, its state says for what
[[noreturn]] void abandon();   // drops every thread of the launch
void run_blocks(Block* blocks, int count);

// barriers.cpp
void leave_block(Thread* thread);  // a thread has returned
void report_deadlock();

// shared.cpp
void begin_shared(int resident_blocks);
void begin_shared(Block& block, int slot);
size_t shared_bytes_used();
bool in_shared(const void* address);

// copies.cpp
void leave_copies(Thread* thread);

// checker.cpp
void begin_checks();
void begin_checks(Block& block);
void check(const void* address, size_t size, bool write, bool atomic, const void* pc);

// launch.cpp
struct LaunchRequest {
  const Kernel* kernel;
  void** arguments;
  dim3 grid, block;
  size_t dynamic_bytes, shared_limit;
  bool cooperative, checked;
  Schedule schedule;
  uint64_t seed;
  bool ends;  // only the first and the last block run
  const char *image_begin, *image_end;
};
// False: the kernel did something wrong, and the reports say what.
bool run_launch(const LaunchRequest& request);

// faults.cpp
void install_fault_handler();
// True once after a fault of the running thread, with its address and pc.
bool take_fault(const void*& address, const void*& pc);
}  // namespace coh

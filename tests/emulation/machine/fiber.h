// Stacks, and the switch from one to another.
#pragma once
#include <cstddef>

namespace coh {
constexpr int kMaximumFibers = 16384;
constexpr size_t kStackBytes = 64 << 10;

// Leaves the running stack, its pointer in *save, and goes on where 'to' was left.
extern "C" void coh_switch(void** save, void* to);
// The second half of coh_switch: what a signal handler jumps to, with the stack pointer at 'to', to give up the running stack.
extern "C" void coh_resume();

// Makes sure that stacks [0, count) exist.
void reserve_stacks(int count);
// A stack that starts in 'entry', which never returns.
void* fresh_stack(int stack, void (*entry)());
bool on_fiber_stack(const void* address);
}  // namespace coh

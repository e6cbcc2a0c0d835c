#include "fiber.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

// System V x86-64: the callee saves six registers; the rest is dead across the call.
asm(R"(
.text
.globl coh_switch
.hidden coh_switch
.type coh_switch,@function
coh_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
.globl coh_resume
.hidden coh_resume
.type coh_resume,@function
coh_resume:
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size coh_switch,.-coh_switch
)");

namespace coh {
namespace {
constexpr size_t kGuardBytes = 4096;
constexpr size_t kStride = kStackBytes + kGuardBytes;
constexpr int kStep = 1024;
char* stacks;
int usable;
}  // namespace

void reserve_stacks(int count) {
  if (stacks == nullptr) {
    // Address space only; a stack gets memory, and the guard below it stays without, when it is first asked for.
    void* all = mmap(nullptr, kStride * kMaximumFibers, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) {
      perror("emulated CUDA machine: no address space for stacks");
      abort();
    }
    stacks = static_cast<char*>(all);
  }
  while (usable < count) {
    for (int i = 0; i < kStep; i++, usable++) mprotect(stacks + usable * kStride + kGuardBytes, kStackBytes, PROT_READ | PROT_WRITE);
  }
}

void* fresh_stack(int stack, void (*entry)()) {
  // Tops are staggered: equal offsets in a page would put every fiber's hottest line into one set of the L1 cache.
  char* top = stacks + (stack + 1) * kStride - 256 - static_cast<size_t>(stack % 29) * 128;
  auto** p = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(top) & ~static_cast<uintptr_t>(63));
  *--p = nullptr;  // the return address that 'entry' never uses; it also gives the stack the alignment of a called function
  *--p = reinterpret_cast<void*>(entry);
  p -= 6;
  memset(p, 0, 6 * sizeof *p);
  return p;
}

bool on_fiber_stack(const void* address) {
  return stacks != nullptr && static_cast<size_t>(static_cast<const char*>(address) - stacks) < kStride * kMaximumFibers;
}
}  // namespace coh

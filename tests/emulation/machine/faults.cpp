// A kernel that touches a guard page must not take the test process with it: the signal gives up the launch.
#include <csignal>
#include <cstdlib>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "runtime.h"

namespace coh {
namespace {
pthread_t launching;
struct sigaction previous_segv, previous_bus;
bool pending;
const void *fault_address, *fault_pc;

void forward(int signal, siginfo_t* info, void* context) {
  const struct sigaction& previous = signal == SIGSEGV ? previous_segv : previous_bus;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    sigaction(signal, &previous, nullptr);  // the access happens again, and the default is taken
  }
}

void on_fault(int signal, siginfo_t* info, void* context) {
  if (!launch.running || current == nullptr || !pthread_equal(launching, pthread_self())) {
    forward(signal, info, context);
    return;
  }
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  pending = true;
  fault_address = info->si_addr;
  fault_pc = reinterpret_cast<const void*>(registers[REG_RIP]);
  registers[REG_RSP] = reinterpret_cast<greg_t>(launch.main_stack);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&coh_resume);
}
}  // namespace

void install_fault_handler() {
  static bool installed = [] {
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGSEGV, &action, &previous_segv) == 0 && sigaction(SIGBUS, &action, &previous_bus) == 0;
  }();
  if (!installed) abort();
  launching = pthread_self();
  stack_t stack;
  if (sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0) {
    // Without it a fiber whose stack is full could not even run the handler.
    thread_local char spare[64 << 10];
    stack = {};
    stack.ss_sp = spare;
    stack.ss_size = sizeof spare;
    sigaltstack(&stack, nullptr);
  }
}

bool take_fault(const void*& address, const void*& pc) {
  if (!pending) return false;
  pending = false;
  address = fault_address;
  pc = fault_pc;
  return true;
}
}  // namespace coh

// Which thread runs next. Threads switch only where they wait, so the order at those points is the whole of a schedule.
#include "runtime.h"

namespace coh {
Launch launch;
std::vector<Thread> threads;
ThreadView* current;
dim3 grid_size, block_size;

namespace {
std::vector<int> order;        // in which the resident threads start
std::vector<int> free_stacks;
std::vector<Thread*> ready;    // a ring; its size is a power of two and holds every resident thread
unsigned ready_first, ready_end;

Thread* take_ready() {
  unsigned count = ready_end - ready_first, wrap = static_cast<unsigned>(ready.size()) - 1;
  if (count == 0) return nullptr;
  // Greedy: who became ready last runs on, so that one warp gets far ahead of the others.
  if (launch.schedule == Schedule::Greedy) return ready[--ready_end & wrap];
  if (launch.schedule == Schedule::Random) std::swap(ready[(ready_first + next_random() % count) & wrap], ready[ready_first & wrap]);
  return ready[ready_first++ & wrap];
}

// Random: between the threads that wait and one that has not started.
bool start_another() {
  if (launch.started == launch.resident) return false;
  return launch.schedule != Schedule::Random || ready_first == ready_end || (next_random() & 1) != 0;
}

Thread* next_fresh(int stack) {
  Thread* thread = &threads[order[launch.started++]];
  thread->stack = stack;
  return thread;
}

void to_main() {
  Thread* me = running();
  current = nullptr;
  coh_switch(&me->stack_pointer, launch.main_stack);
}

void fiber_main() {
  for (;;) {
    launch.kernel->run(launch.arguments);
    Thread* me = running();
    leave_copies(me);
    leave_block(me);
    // A thread that never waited leaves its stack to the next one: kernels without barriers do not switch at all.
    if (launch.started < launch.resident && (launch.schedule != Schedule::Random || ready_first == ready_end)) {
      current = next_fresh(me->stack);
      continue;
    }
    free_stacks.push_back(me->stack);
    yield();
  }
}
}  // namespace

uint64_t next_random() {  // splitmix64
  uint64_t z = launch.random += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

void make_ready(Thread* thread) {
  thread->state = State::Ready;
  ready[ready_end++ & (ready.size() - 1)] = thread;
}

void yield() {
  Thread *me = running(), *next;
  void* stack;
  if (start_another()) {
    int free = free_stacks.back();
    free_stacks.pop_back();
    next = next_fresh(free);
    stack = fresh_stack(free, fiber_main);
  } else {
    next = take_ready();
    if (next == me) return;
    if (next == nullptr) {
      if (launch.live > 0) report_deadlock();
      to_main();
      return;
    }
    stack = next->stack_pointer;
  }
  current = next;
  coh_switch(&me->stack_pointer, stack);
}

void abandon() {
  to_main();
  __builtin_unreachable();
}

void run_blocks(Block* blocks, int count) {
  int n = launch.block_threads;
  launch.resident = launch.live = n * count;
  launch.started = launch.at_grid_barrier = 0;
  reserve_stacks(launch.resident);
  if (threads.size() < static_cast<size_t>(launch.resident)) threads.resize(launch.resident);
  size_t ring = 1;
  while (ring < static_cast<size_t>(launch.resident)) ring *= 2;
  ready.resize(ring);
  ready_first = ready_end = 0;
  order.resize(launch.resident);
  free_stacks.clear();
  for (int i = 0; i < launch.resident; i++) {
    order[i] = launch.schedule == Schedule::Reverse ? launch.resident - 1 - i : i;
    free_stacks.push_back(launch.resident - 1 - i);
  }
  if (launch.schedule == Schedule::Random)
    for (int i = launch.resident - 1; i > 0; i--) std::swap(order[i], order[next_random() % (i + 1)]);
  for (int b = 0; b < count; b++) {
    Block& block = blocks[b];
    block.threads = &threads[b * n];
    block.live = n;
    block.at_barrier = 0;
    for (int i = 0; i < n; i++) {
      Thread& thread = block.threads[i];
      unsigned linear = static_cast<unsigned>(i);
      thread.thread = {linear % block_size.x, linear / block_size.x % block_size.y, linear / (block_size.x * block_size.y)};
      thread.block = &block;
      static_cast<ThreadView&>(thread).block = block.index;
      thread.linear = i;
      thread.lane = i & 31;
      thread.warp = i >> 5;
      thread.state = State::Ready;
      thread.copies.clear();
      thread.groups.clear();
      thread.warp_interval = 0;
      thread.stamps[0] = thread.stamps[1] = 0;
    }
  }
  int stack = free_stacks.back();
  free_stacks.pop_back();
  current = next_fresh(stack);
  coh_switch(&launch.main_stack, fresh_stack(stack, fiber_main));
  current = nullptr;
}
}  // namespace coh

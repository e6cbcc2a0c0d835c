// Barriers of a block and of the grid, and the collectives of a warp.
#include "runtime.h"

namespace coh {
namespace {
// Threads leave in the order of the schedule: forward or backward; the random one draws when it takes them.
template <class F> void in_order(int count, F visit) {
  bool reverse = launch.schedule == Schedule::Reverse;
  for (int i = 0; i < count; i++) visit(reverse ? count - 1 - i : i);
}

void release(Block& block, State waiting) {
  const char* file = nullptr;
  int line = 0;
  block.at_barrier = 0;
  block.interval++;
  in_order(launch.block_threads, [&](int i) {
    Thread& thread = block.threads[i];
    if (thread.state != waiting) return;
    if (file == nullptr) file = thread.file, line = thread.line;
    else if ((line != thread.line || strcmp(file, thread.file) != 0) && !launch.barrier_error) {
      launch.barrier_error = true;
      report("divergent barriers: %s:%d in one thread, %s:%d in another", file, line, thread.file, thread.line);
    }
    make_ready(&thread);
  });
}

void release_if_complete(Block& block) {
  if (block.at_barrier == 0 || block.at_barrier < block.live) return;
  if (block.live < launch.block_threads && !launch.barrier_error) {
    launch.barrier_error = true;
    report("barrier after %d threads of the block have returned", launch.block_threads - block.live);
  }
  release(block, State::AtBlockBarrier);
}

void release_grid_if_complete() {
  if (launch.at_grid_barrier == 0 || launch.at_grid_barrier < launch.live) return;
  if (launch.live < launch.resident && !launch.barrier_error) {
    launch.barrier_error = true;
    report("grid barrier after %d threads of the grid have returned", launch.resident - launch.live);
  }
  launch.at_grid_barrier = 0;
  launch.grid_interval++;
  in_order(launch.resident / launch.block_threads, [](int b) { release(*threads[b * launch.block_threads].block, State::AtGridBarrier); });
}

void wait(State state, const char* file, int line) {
  Thread* me = running();
  me->state = state;
  me->file = file;
  me->line = line;
}
}  // namespace

void block_barrier(const char* file, int line) {
  Block& block = *running()->block;
  wait(State::AtBlockBarrier, file, line);
  block.at_barrier++;
  release_if_complete(block);
  yield();
}

Votes block_reduce(int value, const char* file, int line) {
  // Two results by turns: who is late to read the first cannot be overtaken by more than one.
  Block& block = *running()->block;
  auto& mine = block.reductions[block.interval & 1];
  if (mine.votes.cast == 0 || mine.interval != block.interval) mine = {block.interval, {0, 0}};
  mine.votes.cast++;
  mine.votes.nonzero += value != 0;
  block_barrier(file, line);
  return mine.votes;
}

void grid_barrier(const char* file, int line) {
  if (!launch.cooperative) {
    report("grid barrier at %s:%d in a launch that is not cooperative", file, line);
    abandon();
  }
  wait(State::AtGridBarrier, file, line);
  launch.at_grid_barrier++;
  release_grid_if_complete();
  yield();
}

void leave_block(Thread* thread) {
  thread->state = State::Done;
  thread->block->live--;
  launch.live--;
  release_if_complete(*thread->block);
  release_grid_if_complete();
}

void warp_collective(unsigned mask, void* arguments, Collective complete, bool orders_memory, const char* file, int line) {
  Thread *me = running(), *warp = me - me->lane;
  int lanes = launch.block_threads - me->warp * 32;
  unsigned existing = lanes >= 32 ? ~0u : (1u << lanes) - 1;
  if ((mask >> me->lane & 1) == 0) {
    report("%s:%d: lane %d is not in its own mask %08x", file, line, me->lane, mask);
    abandon();
  }
  mask &= existing;
  wait(State::AtWarp, file, line);
  me->mask = mask;
  me->operation = complete;
  me->arguments = arguments;
  void* all[32] = {};
  bool everyone = true;
  for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    Thread& other = warp[lane];
    if (other.state == State::Done) {
      report("%s:%d: lane %d of the mask %08x has returned", file, line, lane, mask);
      abandon();
    }
    if (other.state != State::AtWarp) {
      everyone = false;
    } else if (other.mask != mask || other.operation != complete || other.line != line) {
      report("divergent warp operations: lane %d at %s:%d with mask %08x, lane %d at %s:%d with mask %08x", me->lane, file, line, mask, lane,
             other.file, other.line, other.mask);
      abandon();
    } else {
      all[lane] = other.arguments;
    }
  }
  if (everyone) {
    complete(all, mask);
    in_order(32, [&](int lane) {
      if ((mask >> lane & 1) == 0) return;
      if (orders_memory) warp[lane].warp_interval++;
      if (&warp[lane] != me) make_ready(&warp[lane]);
    });
    me->state = State::Ready;
    if (launch.schedule != Schedule::Random || (next_random() & 1) == 0) return;  // the last lane runs on
    make_ready(me);
  }
  yield();
}

void report_deadlock() {
  int block = 0, grid = 0, warp = 0;
  const Thread* last = nullptr;
  for (int i = 0; i < launch.resident; i++) {
    const Thread& thread = threads[i];
    block += thread.state == State::AtBlockBarrier;
    grid += thread.state == State::AtGridBarrier;
    warp += thread.state == State::AtWarp;
    if (thread.state != State::Done) last = &thread;
  }
  report_host("%s: deadlock: %d threads wait at __syncthreads, %d at a grid barrier, %d at a warp operation, %d have returned (one waits at %s:%d)",
              launch.kernel->name, block, grid, warp, launch.resident - launch.live, last->file, last->line);
  launch.errors++;
}
}  // namespace coh

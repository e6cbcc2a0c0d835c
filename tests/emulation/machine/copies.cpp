// cp.async: the destination is poisoned at once and gets its data when the thread waits, so that a missing wait is always seen.
#include "runtime.h"

namespace coh {
namespace {
void arrive(Thread* thread, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const AsyncCopy& copy = thread->copies[i];
    // The data counts as written now: who reads it without a barrier after the wait is in a race.
    if (launch.checked) check(copy.shared, static_cast<size_t>(copy.size), true, false, copy.pc);
    memcpy(copy.shared, copy.global, static_cast<size_t>(copy.valid));
    memset(static_cast<char*>(copy.shared) + copy.valid, 0, static_cast<size_t>(copy.size - copy.valid));
  }
  thread->copies.erase(thread->copies.begin(), thread->copies.begin() + static_cast<ptrdiff_t>(count));
}
}  // namespace

void cp_async(void* shared, const void* global, int size, int valid, const char* file, int line) {
  const void* pc = __builtin_return_address(0);
  if (valid < 0 || valid > size) {
    report("%s:%d: cp.async of %d valid bytes out of %d", file, line, valid, size);
    abandon();
  }
  if (((reinterpret_cast<uintptr_t>(shared) | (valid > 0 ? reinterpret_cast<uintptr_t>(global) : 0)) & static_cast<uintptr_t>(size - 1)) != 0) {
    report("%s:%d: cp.async of %d bytes is not aligned", file, line, size);
    abandon();
  }
  if (!in_shared(shared)) {
    report("%s:%d: the destination of cp.async is not in shared memory", file, line);
    abandon();
  }
  if (launch.checked) {
    check(shared, static_cast<size_t>(size), true, false, pc);
    if (valid > 0) check(global, static_cast<size_t>(valid), false, false, pc);
  }
  memset(shared, 0xFF, static_cast<size_t>(size));
  running()->copies.push_back({shared, global, size, valid, pc});
}

void cp_commit() {
  Thread* me = running();
  me->groups.push_back(me->copies.size());
}

void cp_wait(int open_groups) {
  Thread* me = running();
  size_t open = static_cast<size_t>(open_groups);
  if (me->groups.size() <= open) return;
  size_t done = me->groups.size() - open, count = me->groups[done - 1];
  arrive(me, count);
  me->groups.erase(me->groups.begin(), me->groups.begin() + static_cast<ptrdiff_t>(done));
  for (size_t& group : me->groups) group -= count;
}

void leave_copies(Thread* thread) {
  if (!thread->copies.empty()) report("a thread returned with %zu cp.async that it did not wait for", thread->copies.size());
}
}  // namespace coh

// Looks at every memory access of the checked build: bounds, alignment, races in and between blocks, shared memory that nobody wrote.
// g++ -fsanitize=thread calls the __tsan_* functions before each access; libtsan itself is not linked, because it knows neither blocks
// nor barriers: to it all fibers are one thread.
#include "memory.h"
#include "shared.h"

namespace coh {
namespace {
// A thread in an interval: between two barriers of its block, two __syncwarp of its warp.
struct Stamp {
  uint32_t block, interval, grid_interval;
  uint16_t thread, warp_interval;
  bool atomic;
};
std::vector<Stamp> stamps;  // of this launch: the name n is stamps[n - first_stamp]
uint32_t first_stamp = 1, next_stamp = 1;
Shadow arena_shadow;
size_t arena_shadow_bytes;

uint32_t stamp_of(Thread& thread, bool atomic) {
  const Block& block = *thread.block;
  if (thread.stamp_interval != block.interval || thread.stamp_warp_interval != thread.warp_interval) {
    thread.stamps[0] = thread.stamps[1] = 0;
    thread.stamp_interval = block.interval;
    thread.stamp_warp_interval = thread.warp_interval;
  }
  uint32_t& name = thread.stamps[atomic ? 1 : 0];
  if (name == 0) {
    name = next_stamp++;
    stamps.push_back({block.number, block.interval, launch.grid_interval, static_cast<uint16_t>(thread.linear), thread.warp_interval, atomic});
  }
  return name;
}

// Whether the running thread may touch what 'name' touched before it. 0 and names of earlier launches are of the past.
bool ordered(uint32_t name, const Thread& me, bool atomic) {
  if (name < first_stamp) return true;
  const Stamp& past = stamps[name - first_stamp];
  if (past.atomic && atomic) return true;
  const Block& block = *me.block;
  if (past.block != block.number) return past.grid_interval < launch.grid_interval;
  if (past.thread == me.linear || past.interval < block.interval) return true;
  return past.thread / 32 == me.warp && past.warp_interval < me.warp_interval;
}

void report_race(const char* what, bool write, const char* earlier, uint32_t name, const void* pc) {
  const Stamp& past = stamps[name - first_stamp];
  const Block& block = *running()->block;
  if (past.block == block.number)
    report("race: %s of %s after a%s by thread %d in the same interval, %s", write ? "write" : "read", what, earlier, past.thread, where(pc).c_str());
  else
    report("race between blocks: %s of %s after a%s by thread %d of block %u, %s", write ? "write" : "read", what, earlier, past.thread,
           past.block, where(pc).c_str());
  abandon();
}

// Accesses are aligned, so two of them overlap in whole granules. What came before 'since' is of the past: in shared memory, what another
// block did there, whose place this block took.
void check_cells(Shadow& shadow, size_t offset, size_t size, bool write, bool atomic, uint32_t since, const char* what, const void* pc) {
  size_t unit = (offset | size) & static_cast<size_t>(-static_cast<ptrdiff_t>(offset | size));
  if (unit < static_cast<size_t>(shadow.granule)) shadow.refine(static_cast<int>(unit));
  shadow.touched_begin = offset < shadow.touched_begin ? offset : shadow.touched_begin;
  shadow.touched_end = offset + size > shadow.touched_end ? offset + size : shadow.touched_end;
  Thread& me = *running();
  uint32_t mine = stamp_of(me, atomic);
  size_t granule = static_cast<size_t>(shadow.granule);
  Cell *cell = shadow.cells + offset / granule, *end = shadow.cells + (offset + size) / granule;
  for (; cell < end; cell++) {
    if (!write && cell->write < since) {
      report("read of %s that nobody has written, %s", what, where(pc).c_str());
      abandon();
    }
    auto clashes = [&](uint32_t name) { return name != mine && name >= since && !ordered(name, me, atomic); };
    if (clashes(cell->write)) report_race(what, write, " write", cell->write, pc);
    if (write) {
      if (clashes(cell->first_read)) report_race(what, write, " read", cell->first_read, pc);
      if (clashes(cell->last_read)) report_race(what, write, " read", cell->last_read, pc);
      cell->write = mine;
    } else if (cell->first_read != mine) {
      // The first reader that is not ordered before this one stays, so that a later write meets a reader that is not itself.
      if (cell->first_read < since || ordered(cell->first_read, me, false)) cell->first_read = mine;
      else cell->last_read = mine;
    }
  }
}

void check_shared(const void* address, size_t size, bool write, bool atomic, const void* pc) {
  size_t offset = shared_offset(address), place = offset % kArenaBytes;
  const Block& block = *running()->block;
  const char* action = write ? "write" : "read";
  int slot = static_cast<int>(shared_layout.owner[place / kOwnerUnit]) - 1;
  if (static_cast<size_t>(static_cast<const char*>(address) - block.arena) >= kArenaBytes) {
    report("%s of the shared memory of another block, %s", action, where(pc).c_str());
    abandon();
  }
  if (slot < 0 || place < shared_layout.arrays[slot].offset || place + size > shared_layout.arrays[slot].offset + shared_layout.arrays[slot].size) {
    report("%s of %zu bytes outside every shared array, %s", action, size, where(pc).c_str());
    abandon();
  }
  check_cells(arena_shadow, offset, size, write, atomic, block.first_stamp, shared_layout.arrays[slot].name, pc);
}
}  // namespace

void begin_checks() {
  if (next_stamp > 0xe0000000u) {
    clear_shadows();
    arena_shadow.clear();
    next_stamp = 1;
  }
  first_stamp = next_stamp;
  stamps.clear();
  size_t bytes = kArenaBytes * static_cast<size_t>(launch.cooperative ? kMaximumResidentBlocks : 1);
  if (bytes > arena_shadow_bytes) {
    arena_shadow.destroy();
    arena_shadow.create(bytes);
    arena_shadow_bytes = bytes;
  }
}

void begin_checks(Block& block) { block.first_stamp = next_stamp; }

void check(const void* address, size_t size, bool write, bool atomic, const void* pc) {
  if (!launch.running || current == nullptr || size == 0 || on_fiber_stack(address)) return;
  const char* p = static_cast<const char*>(address);
  const char* action = write ? "write" : "read";
  if ((size & (size - 1)) == 0 && (reinterpret_cast<uintptr_t>(p) & (size - 1)) != 0) {
    report("misaligned %s of %zu bytes at %p, %s", action, size, address, where(pc).c_str());
    abandon();
  }
  if (in_shared(address)) {
    check_shared(address, size, write, atomic, pc);
    return;
  }
  if (p >= launch.image_begin && p < launch.image_end && !write) return;  // constants
  Buffer* buffer = find_buffer(address, size);
  if (buffer == nullptr) {
    report("%s of %zu bytes outside every buffer (%s), %s", action, size, describe(address).c_str(), where(pc).c_str());
    abandon();
  }
  if (buffer->shadow.cells == nullptr) return;  // memory of a device whose kernels are not checked
  check_cells(buffer->shadow, static_cast<size_t>(p - buffer->begin), size, write, atomic, 0, "global memory", pc);
}

void check_atomic(const void* address, size_t size, const void* pc) { check(address, size, true, true, pc); }
void check_access(const void* address, size_t size, bool write, const void* pc) { check(address, size, write, false, pc); }
}  // namespace coh

#define COH_HOOK(name, bytes, write) \
  extern "C" COH_API void name(void* address) { coh::check(address, bytes, write, false, __builtin_return_address(0)); }
#define COH_HOOKS(prefix)                                                                                                          \
  COH_HOOK(prefix##read1, 1, false) COH_HOOK(prefix##read2, 2, false) COH_HOOK(prefix##read4, 4, false) COH_HOOK(prefix##read8, 8, false) \
  COH_HOOK(prefix##read16, 16, false) COH_HOOK(prefix##write1, 1, true) COH_HOOK(prefix##write2, 2, true) COH_HOOK(prefix##write4, 4, true) \
  COH_HOOK(prefix##write8, 8, true) COH_HOOK(prefix##write16, 16, true)
COH_HOOKS(__tsan_)
COH_HOOKS(__tsan_unaligned_)
COH_HOOKS(__tsan_volatile_)
extern "C" {
COH_API void __tsan_read_range(void* address, unsigned long size) { coh::check(address, size, false, false, __builtin_return_address(0)); }
COH_API void __tsan_write_range(void* address, unsigned long size) { coh::check(address, size, true, false, __builtin_return_address(0)); }
COH_API void __tsan_func_entry(void*) {}
COH_API void __tsan_func_exit() {}
COH_API void __tsan_init() {}
COH_API void __tsan_vptr_update(void**, void*) {}
COH_API void __tsan_vptr_read(void**) {}
}

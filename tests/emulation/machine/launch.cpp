// Runs a grid: its blocks one after another, or side by side when the launch is cooperative.
#include <numeric>

#include "runtime.h"

namespace coh {
namespace {
Block make_block(size_t number, int slot) {
  Block block = {};
  unsigned n = static_cast<unsigned>(number);
  block.index = {n % grid_size.x, n / grid_size.x % grid_size.y, n / grid_size.x / grid_size.y};
  block.number = n;
  begin_shared(block, slot);
  if (launch.checked) begin_checks(block);
  return block;
}

void report_fault(const void* address, const void* pc) {
  if (on_fiber_stack(address)) report_host("%s: a thread used more than %zu bytes of stack", launch.kernel->name, kStackBytes);
  else report_host("%s: illegal access (%s), %s", launch.kernel->name, describe(address).c_str(), where(pc).c_str());
  launch.errors++;
}

bool run(Block* blocks, int count) {
  launch.running = true;
  run_blocks(blocks, count);
  launch.running = false;
  const void *address, *pc;
  if (take_fault(address, pc)) {
    current = nullptr;
    report_fault(address, pc);
  }
  return launch.errors == 0;
}
}  // namespace

bool run_launch(const LaunchRequest& request) {
  static uint64_t serial;
  install_fault_handler();
  launch = {};
  launch.kernel = request.kernel;
  launch.arguments = request.arguments;
  launch.cooperative = request.cooperative;
  launch.checked = request.checked;
  launch.dynamic_bytes = request.dynamic_bytes;
  launch.shared_limit = request.shared_limit;
  launch.image_begin = request.image_begin;
  launch.image_end = request.image_end;
  launch.serial = ++serial;
  launch.schedule = request.schedule;
  launch.random = request.seed;
  launch.block_threads = static_cast<int>(request.block.x * request.block.y * request.block.z);
  grid_size = request.grid;
  block_size = request.block;
  size_t count = static_cast<size_t>(grid_size.x) * grid_size.y * grid_size.z;
  begin_shared(request.cooperative ? static_cast<int>(count) : 1);
  if (launch.checked) begin_checks();
  if (request.cooperative) {
    std::vector<Block> blocks;
    for (size_t b = 0; b < count; b++) blocks.push_back(make_block(b, static_cast<int>(b)));
    return run(blocks.data(), static_cast<int>(count));
  }
  if (request.ends) {
    Block first = make_block(0, 0);
    if (!run(&first, 1)) return false;
    if (count == 1) return true;
    Block last = make_block(count - 1, 0);
    return run(&last, 1);
  }
  std::vector<uint32_t> shuffled;
  if (launch.schedule == Schedule::Random) {
    shuffled.resize(count);
    std::iota(shuffled.begin(), shuffled.end(), 0u);
    for (size_t i = count - 1; i > 0; i--) std::swap(shuffled[i], shuffled[next_random() % (i + 1)]);
  }
  for (size_t i = 0; i < count; i++) {
    Block block = make_block(!shuffled.empty() ? shuffled[i] : launch.schedule == Schedule::Reverse ? count - 1 - i : i, 0);
    if (!run(&block, 1)) return false;
  }
  return true;
}
}  // namespace coh

#include "memory.h"

#include <cstring>
#include <map>
#include <sys/mman.h>

#include "runtime.h"

namespace coh {
namespace {
constexpr size_t kPage = 4096;
constexpr size_t kReserveBytes = size_t{1} << 40;
constexpr unsigned char kSlack = 0xA5;
char* reserve;
size_t next_offset;
// By the first page. Addresses are not used again before the reserve has been gone through: a use after free hits a page without access.
std::map<char*, Buffer> buffers;
Buffer* recent;

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// A range of pages, with a page without access behind it; the one before it ends its predecessor.
char* take_pages(size_t bytes) {
  if (reserve == nullptr) {
    void* all = mmap(nullptr, kReserveBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) return nullptr;
    reserve = static_cast<char*>(all);
    next_offset = kPage;
  }
  for (int round = 0; round < 2; round++) {
    auto after = buffers.lower_bound(reserve + next_offset);
    while (next_offset + bytes + kPage <= kReserveBytes) {
      if (after == buffers.end() || reserve + next_offset + bytes + kPage <= after->second.pages_begin) {
        char* begin = reserve + next_offset;
        next_offset += bytes + kPage;
        return begin;
      }
      next_offset = static_cast<size_t>(after->second.pages_end - reserve) + kPage;
      ++after;
    }
    next_offset = kPage;
  }
  return nullptr;
}

bool is_slack(const char* begin, const char* end) {
  for (; begin < end; begin++)
    if (static_cast<unsigned char>(*begin) != kSlack) return false;
  return true;
}

void release(std::map<char*, Buffer>::iterator entry) {
  Buffer& buffer = entry->second;
  if (!is_slack(buffer.pages_begin, buffer.begin) || !is_slack(buffer.begin + buffer.size, buffer.pages_end))
    report_host("memory beside an allocation of %zu bytes was written (seen when it was freed)", buffer.size);
  size_t pages = static_cast<size_t>(buffer.pages_end - buffer.pages_begin);
  madvise(buffer.pages_begin, pages, MADV_DONTNEED);
  mprotect(buffer.pages_begin, pages, PROT_NONE);
  buffer.shadow.destroy();
  recent = nullptr;
  buffers.erase(entry);
}
}  // namespace

void* allocate(size_t size, int device, bool host, bool checked) {
  // 256 bytes is what the driver promises and the product may rely on; the rest of the last 256 is slack, looked at when it is freed.
  size_t body = round_up(size, 256), pages = round_up(body, kPage);
  char* first = take_pages(pages);
  if (first == nullptr || mprotect(first, pages, PROT_READ | PROT_WRITE) != 0) return nullptr;
  Buffer buffer{first + pages - body, size, device, host, first, first + pages, {}};
  memset(buffer.pages_begin, kSlack, static_cast<size_t>(buffer.begin - buffer.pages_begin));
  memset(buffer.begin, 0xFF, size);
  memset(buffer.begin + size, kSlack, static_cast<size_t>(buffer.pages_end - buffer.begin) - size);
  if (checked) buffer.shadow.create(size);
  buffers.emplace(first, buffer);
  recent = nullptr;
  return buffer.begin;
}

Buffer* find_buffer(const void* address, size_t size) {
  const char* p = static_cast<const char*>(address);
  auto holds = [&](const Buffer& b) { return p >= b.begin && p < b.begin + b.size && size <= static_cast<size_t>(b.begin + b.size - p); };
  if (recent != nullptr && holds(*recent)) return recent;
  auto after = buffers.upper_bound(const_cast<char*>(p));
  if (after == buffers.begin()) return nullptr;
  Buffer& buffer = std::prev(after)->second;
  if (!holds(buffer)) return nullptr;
  return recent = &buffer;
}

bool release(void* begin) {
  Buffer* buffer = find_buffer(begin, 1);
  if (buffer == nullptr || buffer->begin != begin) return false;
  release(buffers.find(buffer->pages_begin));
  return true;
}

void release_all(int device) {
  for (auto entry = buffers.begin(); entry != buffers.end();) {
    auto next = std::next(entry);
    if (entry->second.device == device) release(entry);
    entry = next;
  }
}

Buffer* nearest_buffer(const void* address) {
  if (!in_reserve(address) || buffers.empty()) return nullptr;
  const char* p = static_cast<const char*>(address);
  auto after = buffers.upper_bound(const_cast<char*>(p));
  if (after == buffers.begin()) return &after->second;
  Buffer& before = std::prev(after)->second;
  if (after == buffers.end() || p - (before.begin + before.size) <= after->second.begin - p) return &before;
  return &after->second;
}

bool in_reserve(const void* address) {
  return reserve != nullptr && static_cast<size_t>(static_cast<const char*>(address) - reserve) < kReserveBytes;
}

void clear_shadows() {
  for (auto& entry : buffers) entry.second.shadow.clear();
}

namespace {
size_t cell_bytes(size_t bytes, int granule) { return (bytes / static_cast<size_t>(granule) + 2) * sizeof(Cell); }
Cell* map_cells(size_t bytes, int granule) {
  // Memory that is never touched costs address space alone.
  void* cells = mmap(nullptr, cell_bytes(bytes, granule), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (cells == MAP_FAILED) __builtin_trap();
  return static_cast<Cell*>(cells);
}
}  // namespace

void Shadow::create(size_t memory) {
  bytes = memory;
  granule = 4;
  cells = map_cells(bytes, granule);
  touched_begin = bytes;
  touched_end = 0;
}

void Shadow::refine(int to) {
  Cell* fine = map_cells(bytes, to);
  size_t each = static_cast<size_t>(granule / to);
  for (size_t i = touched_begin / static_cast<size_t>(granule); i * static_cast<size_t>(granule) < touched_end; i++)
    for (size_t k = 0; k < each; k++) fine[i * each + k] = cells[i];
  munmap(cells, cell_bytes(bytes, granule));
  cells = fine;
  granule = to;
}

void Shadow::clear() {
  if (cells == nullptr) return;
  madvise(cells, cell_bytes(bytes, granule), MADV_DONTNEED);
  touched_begin = bytes;
  touched_end = 0;
}

void Shadow::destroy() {
  if (cells != nullptr) munmap(cells, cell_bytes(bytes, granule));
  cells = nullptr;
}
}  // namespace coh

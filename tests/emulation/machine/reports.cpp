// What went wrong, kept until the tests ask for it.
#include "reports.h"

#include <cstdarg>
#include <cstdio>
#include <dlfcn.h>

#include "memory.h"
#include "runtime.h"

namespace coh {
namespace {
std::string first_report;
int report_count;

void keep(const std::string& text) {
  if (report_count++ == 0) first_report = text;
}
std::string formatted(const char* format, va_list list) {
  char text[1024];
  vsnprintf(text, sizeof text, format, list);
  return text;
}
}  // namespace

void report(const char* format, ...) {
  va_list list;
  va_start(list, format);
  std::string what = formatted(format, list);
  va_end(list);
  char place[160];
  const char* kernel = launch.kernel != nullptr ? launch.kernel->name : "no kernel";
  if (const Thread* me = running())
    snprintf(place, sizeof place, "%s: block (%u,%u,%u), thread (%u,%u,%u): ", kernel, static_cast<const ThreadView*>(me)->block.x,
             static_cast<const ThreadView*>(me)->block.y, static_cast<const ThreadView*>(me)->block.z, me->thread.x, me->thread.y, me->thread.z);
  else
    snprintf(place, sizeof place, "%s: ", kernel);
  launch.errors++;
  keep(place + what);
}

void report_host(const char* format, ...) {
  va_list list;
  va_start(list, format);
  keep(formatted(format, list));
  va_end(list);
}

int take_reports(char* text, int size) {
  if (size > 0) snprintf(text, static_cast<size_t>(size), "%s", first_report.c_str());
  int count = report_count;
  first_report.clear();
  report_count = 0;
  return count;
}

std::string where(const void* pc) {
  Dl_info info;
  if (dladdr(pc, &info) == 0 || info.dli_fname == nullptr) return "at an unknown place";
  // The call before the return address.
  auto offset = static_cast<unsigned long>(static_cast<const char*>(pc) - static_cast<const char*>(info.dli_fbase)) - 1;
  char line[512];
  if (launch.checked) {
    snprintf(line, sizeof line, "addr2line -s -e '%s' 0x%lx 2>/dev/null", info.dli_fname, offset);
    if (FILE* pipe = popen(line, "r")) {
      bool told = fgets(line, sizeof line, pipe) != nullptr && line[0] != '?';
      pclose(pipe);
      if (told) {
        std::string place = line;
        return "at " + place.substr(0, place.find_first_of(" \n"));
      }
    }
  }
  const char* name = strrchr(info.dli_fname, '/');
  snprintf(line, sizeof line, "at %s+0x%lx", name != nullptr ? name + 1 : info.dli_fname, offset);
  return line;
}

std::string describe(const void* address) {
  char text[160];
  const char* p = static_cast<const char*>(address);
  if (Buffer* buffer = find_buffer(p, 1)) {
    snprintf(text, sizeof text, "the first %ld bytes are the end of a buffer of %zu", static_cast<long>(buffer->begin + buffer->size - p), buffer->size);
  } else if (Buffer* near = nearest_buffer(p)) {
    if (p < near->begin) snprintf(text, sizeof text, "%ld bytes before a buffer of %zu", static_cast<long>(near->begin - p), near->size);
    else snprintf(text, sizeof text, "%ld bytes past the end of a buffer of %zu", static_cast<long>(p - near->begin) - static_cast<long>(near->size), near->size);
  } else {
    snprintf(text, sizeof text, "%p is no device address", address);
  }
  return text;
}
}  // namespace coh

#pragma once
#include <string>

namespace coh {
std::string where(const void* pc);             // file and line, or library and offset
std::string describe(const void* address);     // of an address outside every buffer
int take_reports(char* text, int size);        // the number since the last call, and the first of them
void report_host(const char* format, ...) __attribute__((format(printf, 1, 2)));  // not of a thread
}  // namespace coh

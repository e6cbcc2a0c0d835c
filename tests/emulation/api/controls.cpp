// What tests ask of the emulated machine beside the API of CUDA.
#include <cstdlib>
#include <cstring>

#include "driver.h"

namespace api {
namespace {
struct Injection {
  std::string name;
  int countdown;
  InjectedFault fault;
};
std::vector<Injection> injections;

std::string without_version(std::string name) {
  size_t version = name.rfind("_v");
  return version != std::string::npos && version + 3 == name.size() ? name.substr(0, version) : name;
}

void inject(const std::string& name, int n, int code, bool sticky) { injections.push_back({without_version(name), n, {code, sticky}}); }

// call:n:code[:sticky],...
void inject_from_environment() {
  const char* text = getenv("ESC_EMULATOR_FAIL");
  if (text == nullptr) return;
  std::string rest = text;
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    std::string entry = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    char name[128], sticky[16] = "";
    int n, code;
    int fields = sscanf(entry.c_str(), "%127[^:]:%d:%d:%15s", name, &n, &code, sticky);
    if (fields < 3 || n < 1 || (fields == 4 && strcmp(sticky, "sticky") != 0)) {
      fprintf(stderr, "ESC_EMULATOR_FAIL: \"%s\" is not call:n:code[:sticky]\n", entry.c_str());
      abort();
    }
    inject(name, n, code, fields == 4);
  }
}
}  // namespace

bool take_injected(const char* name, InjectedFault& fault) {
  static bool read = (inject_from_environment(), true);
  (void)read;
  if (injections.empty()) return false;
  std::string plain = without_version(name);
  bool hit = false;
  for (size_t i = 0; i < injections.size();) {
    if (injections[i].name != plain || --injections[i].countdown > 0) {
      i++;
      continue;
    }
    if (!hit) fault = injections[i].fault;
    hit = true;
    injections.erase(injections.begin() + static_cast<ptrdiff_t>(i));
  }
  return hit;
}
}  // namespace api

EXPORT int escEmulatorVersion() { return 1; }

// Of launches by the calling thread: 0 forward, 1 reverse, 2 random, 3 greedy.
EXPORT int escEmulatorSchedule(int mode, unsigned long long seed) {
  if (mode < 0 || mode > 3) return CUDA_ERROR_INVALID_VALUE;
  api::schedule = {static_cast<coh::Schedule>(mode), seed, false};
  return CUDA_SUCCESS;
}

// Of launches by the calling thread that are not cooperative only the first and the last block run, until a schedule is chosen: for
// arrays so large that all of their blocks would take hours.
EXPORT int escEmulatorEnds() {
  api::schedule = {};
  api::schedule.ends = true;
  return CUDA_SUCCESS;
}

// The number of reports since the last call, and the text of the first.
EXPORT int escEmulatorErrors(char* text, int size) {
  std::lock_guard<std::recursive_mutex> guard(api::lock);
  return coh::take_reports(text, text == nullptr ? 0 : size);
}

// The n-th next call of this name fails; sticky: and every later call of the context with it.
EXPORT int escEmulatorFail(const char* name, int n, int code, int sticky) {
  std::lock_guard<std::recursive_mutex> guard(api::lock);
  if (name == nullptr || n < 1 || code == CUDA_SUCCESS) return CUDA_ERROR_INVALID_VALUE;
  api::inject(name, n, code, sticky != 0);
  return CUDA_SUCCESS;
}

// Takes back what escEmulatorFail asked for, the failures of contexts, the reports and the calling thread's schedule. Memory stays.
EXPORT void escEmulatorReset() {
  std::lock_guard<std::recursive_mutex> guard(api::lock);
  api::injections.clear();
  for (api::Context& context : api::contexts) context.failed = CUDA_SUCCESS;
  coh::take_reports(nullptr, 0);
  api::schedule = {};
}

// Tests of the emulated machine itself, through the C API as the product calls it. selftest --list, or selftest CASE: 0 when it holds.
#include "selftest.h"

static std::vector<int> arrivals(Device& device, const char* kernel, int mode, unsigned long long seed) {
  EXPECT_EQUAL(escEmulatorSchedule(mode, seed), 0);
  Array<int> counter(1), order(256, 0xFF);
  int count = 256;
  if (strcmp(kernel, "arrival_i32") == 0) EXPECT_EQUAL(device.launch("good", kernel, 2, 128, counter.address, order.address, count), 0);
  else EXPECT_EQUAL(device.launch("good", kernel, 2, 128, counter.address, order.address), 0);
  std::vector<int> got = order.values(), sorted = got, all(256);
  std::sort(sorted.begin(), sorted.end());
  std::iota(all.begin(), all.end(), 0);
  EXPECT(sorted == all);
  expect_clean();
  return got;
}

static void schedules() {
  Device device(0);
  for (const char* kernel : {"arrival_i32", "departure_i32"}) {
    std::vector<int> forward = arrivals(device, kernel, 0, 0), reverse = arrivals(device, kernel, 1, 0);
    std::vector<int> random = arrivals(device, kernel, 2, 7), again = arrivals(device, kernel, 2, 7), other = arrivals(device, kernel, 2, 8);
    EXPECT(forward != reverse);
    EXPECT(random == again);
    EXPECT(random != other);
    EXPECT(random != forward);
  }
  std::vector<int> ascending(256);
  std::iota(ascending.begin(), ascending.end(), 0);
  EXPECT(arrivals(device, "arrival_i32", 0, 0) == ascending);
  std::reverse(ascending.begin(), ascending.end());
  EXPECT(arrivals(device, "arrival_i32", 1, 0) == ascending);
  EXPECT(arrivals(device, "departure_i32", 3, 0) != arrivals(device, "departure_i32", 0, 0));
}

// What any build sees, under every schedule.
static void plain_reports() {
  Device device(0);
  for (int mode = 0; mode < 4; mode++) {
    escEmulatorSchedule(mode, 5);
    auto bad = [&](const char* name, const char* what) {
      Array<float> y(64), x(64);
      EXPECT_EQUAL(device.launch("bad", name, 1, 64, y.address, x.address), 0);
      expect_report(device, what);
    };
    bad("divergent_barrier_f32", "divergent barriers");
    bad("early_return_f32", "barrier after 1 threads");
    bad("divergent_shuffle_f32", "");
    bad("deadlock_f32", "deadlock");
    bad("deep_stack_f32", "stack");
    bad("unwaited_f32", "cp.async");
    bad("grid_barrier_f32", "not cooperative");
    {
      Array<float> y(64);
      long long offset = 1 << 20;
      EXPECT_EQUAL(device.launch("bad", "far_write_f32", 1, 1, y.address, offset), 0);
      expect_report(device, "illegal access");
    }
    {
      Array<unsigned char> cells(64);
      EXPECT_EQUAL(device.launch("bad", "write_past_u8", 1, 64, cells.address, 1), 0);
      EXPECT_EQUAL(cuCtxSynchronize(), 0);
      EXPECT_EQUAL(cuMemFree_v2(cells), 0);
      int count;
      EXPECT(report(count).find("beside an allocation") != std::string::npos);
    }
  }
}

static void checked_reports() {
  Device device(1);
  auto bad = [&](const char* name, const char* what, unsigned blocks = 1, unsigned threads = 64) {
    Array<float> y(64), x(64);
    EXPECT_EQUAL(device.launch("bad", name, blocks, threads, y.address, x.address), 0);
    expect_report(device, what);
  };
  bad("shared_race_i32", "race: ");
  bad("warp_race_i32", "race: ", 1, 32);
  bad("lost_update_i32", "race: ");
  bad("lost_update_i32", "race between blocks", 2, 1);
  bad("block_race_u8", "race between blocks", 8, 2);
  bad("relay_without_barrier_i32", "race between blocks", 4, 1);
  bad("read_past_f32", "bad.cu:");
  bad("misaligned_f32", "misaligned");
  bad("shared_past_f32", "outside every shared array");
  bad("unwritten_f32", "that nobody has written");
  bad("wait_without_barrier_f32", "race: ");
  bad("divergent_barrier_f32", "divergent barriers");
  Array<unsigned char> cells(63);
  EXPECT_EQUAL(device.launch("bad", "write_past_u8", 1, 64, cells.address, 0), 0);
  expect_report(device, "0 bytes past the end of a buffer of 63");
}

static void right_kernels_pass() {
  for (int ordinal : {0, 1})
    for (int mode = 0; mode < 4; mode++) {
      Device device(ordinal);
      escEmulatorSchedule(mode, 3);
      std::vector<float> input(1000);
      for (size_t i = 0; i < input.size(); i++) input[i] = static_cast<float>(i) / 8;
      Array<float> x(input), y(1000, 0xFF);
      struct { float scale, offset; long long count; } affine = {2, 1, 1000};
      EXPECT_EQUAL(device.launch("good", "affine_f32", 3, 128, x.address, y.address, affine), 0);
      std::vector<float> got = y.values();
      for (size_t i = 0; i < input.size(); i++) EXPECT(got[i] == input[i] * 2 + 1);
      EXPECT_EQUAL(device.launch("good", "staged_f32", 1, 64, x.address, y.address, 1), 0);
      got = y.values();
      for (size_t i = 0; i < 64; i++) EXPECT(got[i] == input[63 - i]);
      for (int threshold : {0, 1, 70, 100, 128}) {
        Array<int> out(4, 0xFF);
        EXPECT_EQUAL(device.launch("good", "votes_i32", 1, 128, out.address, threshold), 0);
        std::vector<int> votes = out.values();
        EXPECT_EQUAL(votes[0], threshold);
        EXPECT_EQUAL(votes[1], threshold > 0);
        EXPECT_EQUAL(votes[2], threshold == 128);
        EXPECT_EQUAL(static_cast<unsigned>(votes[3]), threshold >= 32 ? 0xffffffffu : (1u << threshold) - 1);
      }
      expect_clean();
    }
  // A missing wait is seen as NaN.
  Device device(0);
  Array<float> x(64), y(64);
  EXPECT_EQUAL(device.launch("good", "staged_f32", 1, 64, x.address, y.address, 0), 0);
  for (float v : y.values()) EXPECT(std::isnan(v));
}

static void cooperative() {
  for (int ordinal : {0, 1})
    for (int mode = 0; mode < 4; mode++) {
      Device device(ordinal);
      escEmulatorSchedule(mode, 11);
      std::vector<int> want(32);
      for (int i = 0; i < 32; i++) want[static_cast<size_t>(i)] = i + 1;
      Array<int> cells(want);
      Array<unsigned> arrived(1);
      EXPECT_EQUAL(device.launch_cooperative("good", "relay_i32", 32, 64, arrived.address, cells.address, 5), 0);
      for (int round = 0; round < 5; round++) {
        std::vector<int> before = want;
        for (size_t i = 0; i < 32; i++) want[i] += before[(i + 31) % 32];
      }
      EXPECT(cells.values() == want);
      expect_clean();
      // 4 multiprocessors with 2048 threads each hold 128 blocks of 64.
      EXPECT_EQUAL(device.launch_cooperative("good", "relay_i32", 129, 64, arrived.address, cells.address, 0), 720);
      EXPECT_EQUAL(device.launch_cooperative("good", "relay_i32", 128, 64, arrived.address, cells.address, 0), 0);
      expect_clean();
    }
}

static void capture() {
  Device device(0);
  void *stream, *graph = nullptr, *executable = nullptr;
  EXPECT_EQUAL(cuStreamCreate(&stream, 1), 0);
  Array<float> x(std::vector<float>{1, 2, 3}), y(3);
  struct { float scale, offset; long long count; } affine = {3, 0, 3};
  Pointer px = x, py = y;
  void* arguments[] = {&px, &py, &affine};
  void* function = device.function("affine_f32", "good");
  EXPECT_EQUAL(cuStreamBeginCapture_v2(stream, 0), 0);
  EXPECT_EQUAL(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, arguments, nullptr), 0);
  std::swap(px, py);
  EXPECT_EQUAL(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, arguments, nullptr), 0);
  EXPECT_EQUAL(cuStreamEndCapture(stream, &graph), 0);
  size_t nodes = 0;
  EXPECT_EQUAL(cuGraphGetNodes(graph, nullptr, &nodes), 0);
  EXPECT_EQUAL(nodes, 2);
  EXPECT(x.values()[0] == 1);  // nothing ran
  EXPECT_EQUAL(cuGraphInstantiateWithFlags(&executable, graph, 0), 0);
  EXPECT_EQUAL(cuGraphDestroy(graph), 0);
  affine.scale = 100;  // the arguments were copied
  for (int i = 0; i < 2; i++) EXPECT_EQUAL(cuGraphLaunch(executable, stream), 0);
  EXPECT_EQUAL(cuStreamSynchronize(stream), 0);
  EXPECT(x.values()[2] == 3 * 81.0f);
  EXPECT_EQUAL(cuGraphExecDestroy(executable), 0);
  EXPECT_EQUAL(cuStreamBeginCapture_v2(stream, 0), 0);
  Pointer p;
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 900);
  EXPECT_EQUAL(cuStreamEndCapture(stream, &graph), 901);
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 0);
  expect_clean();
}

static void faults() {
  Device device(3);
  Pointer p[4];
  EXPECT_EQUAL(escEmulatorFail("cuMemAlloc", 3, 2, 0), 0);
  for (int i = 0; i < 4; i++) EXPECT_EQUAL(cuMemAlloc_v2(&p[i], 16), i == 2 ? 2 : 0);
  EXPECT_EQUAL(escEmulatorFail("cuCtxSynchronize", 1, 719, 1), 0);
  EXPECT_EQUAL(cuCtxSynchronize(), 719);
  EXPECT_EQUAL(cuMemFree_v2(p[0]), 719);
  escEmulatorReset();
  EXPECT_EQUAL(cuMemFree_v2(p[0]), 0);
  EXPECT_EQUAL(escEmulatorFail("nvrtcVersion", 1, 0, 0), 1);
  const char* name;
  EXPECT_EQUAL(cuGetErrorName(719, &name), 0);
  EXPECT(strcmp(name, "CUDA_ERROR_LAUNCH_FAILED") == 0);
}

static void faults_from_environment() {
  setenv("ESC_EMULATOR_FAIL", "cuMemAlloc_v2:2:2,cuStreamCreate:1:719:sticky", 1);
  Device device(3);
  Pointer p;
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 0);
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 2);
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 0);
  void* stream;
  EXPECT_EQUAL(cuStreamCreate(&stream, 1), 719);
  EXPECT_EQUAL(cuMemFree_v2(p), 719);
}

static void bad_calls() {
  Pointer p;
  size_t free, total;
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 3);
  EXPECT_EQUAL(cuInit(0), 0);
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 201);
  void* none;
  EXPECT_EQUAL(cuDevicePrimaryCtxRetain(&none, 4), 101);
  Device device(0);
  EXPECT_EQUAL(cuMemGetInfo_v2(&free, &total), 0);
  EXPECT_EQUAL(total, size_t{2} << 30);
  EXPECT_EQUAL(free, total);
  EXPECT_EQUAL(cuMemAlloc_v2(&p, total + 1), 2);
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 0), 1);
  Array<float> x(16);
  float host[32] = {};
  EXPECT_EQUAL(cuMemcpyHtoD_v2(x, host, 65), 1);
  EXPECT_EQUAL(cuMemcpyHtoD_v2(x + 4, host, 64), 1);
  EXPECT_EQUAL(cuMemcpyDtoH_v2(host, x - 4, 8), 1);
  EXPECT_EQUAL(cuMemcpyDtoH_v2(host, x + 60, 4), 0);
  EXPECT_EQUAL(cuMemFree_v2(x + 4), 1);
  EXPECT_EQUAL(cuMemFree_v2(x), 0);
  EXPECT_EQUAL(cuMemFree_v2(x), 1);
  EXPECT_EQUAL(cuMemcpyDtoH_v2(host, x, 4), 1);
  Array<float> y(16);
  EXPECT_EQUAL(device.launch("good", "dynamic_f32", 1, 1025, y.address, 16), 1);
  EXPECT_EQUAL(device.launch("good", "dynamic_f32", 0, 32, y.address, 16), 1);
  EXPECT_EQUAL(device.launch("good", "affine_f32", 1, 256, y.address, y.address, y.address), 701);
  void* function = device.function("dynamic_f32", "good");
  int count = 16;
  Pointer py = y;
  void* arguments[] = {&py, &count};
  EXPECT_EQUAL(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 50 << 10, nullptr, arguments, nullptr), 1);
  EXPECT_EQUAL(cuFuncSetAttribute(function, 8, 164 << 10), 1);
  EXPECT_EQUAL(cuFuncSetAttribute(function, 8, 50 << 10), 0);
  EXPECT_EQUAL(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 50 << 10, nullptr, arguments, nullptr), 0);
  EXPECT_EQUAL(cuCtxSynchronize(), 0);
  EXPECT(y.values()[0] == 15);
  EXPECT_EQUAL(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 64, nullptr, nullptr, nullptr), 1);
  Device other(3);
  EXPECT_EQUAL(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 64, nullptr, arguments, nullptr), 400);
  EXPECT_EQUAL(cuMemFree_v2(y), 1);
  void* address;
  int status;
  EXPECT_EQUAL(cuGetProcAddress_v2("cuMemAlloc", &address, 12040, 0, &status), 0);
  EXPECT(address == reinterpret_cast<void*>(&cuMemAlloc_v2));
  EXPECT_EQUAL(cuGetProcAddress_v2("cuNothing", &address, 12040, 0, &status), 500);
  expect_clean();
}

static void images() {
  std::string source = read(folder + "/sources/good.cu"), prelude = read(folder + "/sources/prelude.cuh"), cubin, log;
  const char* sm80 = "--gpu-architecture=sm_80";
  EXPECT_EQUAL(compile(source + " ", prelude, sm80, cubin, log), 6);
  EXPECT(log.find("none of them") != std::string::npos);
  EXPECT_EQUAL(compile(source, prelude + " ", sm80, cubin, log), 6);
  EXPECT_EQUAL(compile(source, prelude, "--gpu-architecture=sm_12", cubin, log), 5);
  EXPECT_EQUAL(compile(source, prelude, "--gpu-architecture=sm_90", cubin, log), 0);
  Device device(0);
  void *module, *function;
  EXPECT_EQUAL(cuModuleLoadData(&module, cubin.data()), 209);
  EXPECT_EQUAL(compile(source, prelude, sm80, cubin, log), 0);
  cubin[100] ^= 1;
  EXPECT_EQUAL(cuModuleLoadData(&module, cubin.data()), 200);
  cubin[100] ^= 1;
  EXPECT_EQUAL(cuModuleLoadData(&module, cubin.data()), 0);
  EXPECT_EQUAL(cuModuleLoadData(&function, "no image at all"), 200);
  EXPECT_EQUAL(cuModuleGetFunction(&function, module, "lost_update_i32"), 500);
  EXPECT_EQUAL(cuModuleGetFunction(&function, module, "affine_f32"), 0);
}

static void lazy() {
  setenv("ESC_EMULATOR_LAZY", "1", 1);
  Device device(0);
  void *stream, *pinned, *event;
  EXPECT_EQUAL(cuStreamCreate(&stream, 1), 0);
  EXPECT_EQUAL(cuEventCreate(&event, 0), 0);
  EXPECT_EQUAL(cuMemHostAlloc(&pinned, 16, 0), 0);
  Array<int> a(4), b(4);
  EXPECT_EQUAL(cuCtxSynchronize(), 0);
  auto* values = static_cast<int*>(pinned);
  int pageable[4] = {1, 1, 1, 1};
  values[0] = 1;
  EXPECT_EQUAL(cuMemcpyHtoDAsync_v2(a, pinned, 16, stream), 0);
  EXPECT_EQUAL(cuMemcpyHtoDAsync_v2(b, pageable, 16, stream), 0);
  EXPECT_EQUAL(cuEventRecord(event, stream), 0);
  EXPECT_EQUAL(cuStreamQuery(stream), 600);
  EXPECT_EQUAL(cuEventQuery(event), 600);
  values[0] = 2;    // too early: the copy has not been waited for
  pageable[0] = 2;  // allowed
  EXPECT_EQUAL(cuEventSynchronize(event), 0);
  EXPECT_EQUAL(cuStreamQuery(stream), 0);
  EXPECT_EQUAL(a.values()[0], 2);
  EXPECT_EQUAL(b.values()[0], 1);
  EXPECT_EQUAL(cuMemFreeHost(pinned), 0);
  expect_clean();
}

int main(int count, char** arguments) {
  const std::map<std::string, std::function<void()>> cases = {
      {"schedules", schedules}, {"plain_reports", plain_reports}, {"checked_reports", checked_reports}, {"right_kernels_pass", right_kernels_pass},
      {"cooperative", cooperative}, {"capture", capture}, {"faults", faults}, {"faults_from_environment", faults_from_environment},
      {"bad_calls", bad_calls}, {"images", images}, {"lazy", lazy}, {"solvers", solvers}, {"products", products}};
  if (count == 2 && std::string(arguments[1]) == "--list") {
    for (auto& entry : cases) printf("%s\n", entry.first.c_str());
    return 0;
  }
  const char* path = getenv("ESC_CUDA_PATH");
  auto found = count == 2 ? cases.find(arguments[1]) : cases.end();
  if (found == cases.end() || path == nullptr) return fprintf(stderr, "usage: ESC_CUDA_PATH=FOLDER selftest CASE\n"), 2;
  folder = path;
  found->second();
  return failures == 0 ? 0 : 1;
}

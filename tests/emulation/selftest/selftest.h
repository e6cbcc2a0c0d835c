// What the tests of the emulated machine share: the C API as the product calls it, expectations, and a device with the kernels of the tests.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
typedef unsigned long long Pointer;
int cuInit(unsigned);
int cuDeviceGetCount(int*);
int cuDeviceGetName(char*, int, int);
int cuDevicePrimaryCtxRetain(void**, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuDevicePrimaryCtxReset_v2(int);
int cuCtxSetCurrent(void*);
int cuCtxSynchronize();
int cuMemAlloc_v2(Pointer*, size_t);
int cuMemFree_v2(Pointer);
int cuMemGetInfo_v2(size_t*, size_t*);
int cuMemHostAlloc(void**, size_t, unsigned);
int cuMemFreeHost(void*);
int cuMemcpyHtoD_v2(Pointer, const void*, size_t);
int cuMemcpyDtoH_v2(void*, Pointer, size_t);
int cuMemcpyHtoDAsync_v2(Pointer, const void*, size_t, void*);
int cuMemsetD8_v2(Pointer, unsigned char, size_t);
int cuMemsetD32_v2(Pointer, unsigned, size_t);
int cuStreamCreate(void**, unsigned);
int cuStreamDestroy_v2(void*);
int cuStreamSynchronize(void*);
int cuStreamQuery(void*);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphLaunch(void*, void*);
int cuGraphGetNodes(void*, void**, size_t*);
int cuGraphExecDestroy(void*);
int cuGraphDestroy(void*);
int cuEventCreate(void**, unsigned);
int cuEventRecord(void*, void*);
int cuEventQuery(void*);
int cuEventSynchronize(void*);
int cuEventElapsedTime(float*, void*, void*);
int cuModuleLoadData(void**, const void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuFuncSetAttribute(void*, int, int);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int cuLaunchCooperativeKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**);
int cuGetErrorName(int, const char**);
int cuGetProcAddress_v2(const char*, void**, int, unsigned long long, int*);
int nvrtcCreateProgram(void**, const char*, const char*, int, const char* const*, const char* const*);
int nvrtcCompileProgram(void*, int, const char* const*);
int nvrtcGetCUBINSize(void*, size_t*);
int nvrtcGetCUBIN(void*, char*);
int nvrtcGetProgramLogSize(void*, size_t*);
int nvrtcGetProgramLog(void*, char*);
int nvrtcDestroyProgram(void**);
int cublasCreate_v2(void**);
int cublasDestroy_v2(void*);
int cublasGemmStridedBatchedEx(void*, int, int, int, int, int, const void*, const void*, int, int, long long, const void*, int, int, long long,
                               const void*, void*, int, int, long long, int, int, int);
int cusolverDnCreate(void**);
int cusolverDnDestroy(void*);
int cusolverDnDgesvd_bufferSize(void*, int, int, int*);
int cusolverDnDgesvd(void*, signed char, signed char, int, int, Pointer, int, Pointer, Pointer, int, Pointer, int, Pointer, int, Pointer, Pointer);
int cusolverDnCreateGesvdjInfo(void**);
int cusolverDnDestroyGesvdjInfo(void*);
int cusolverDnDgesvdj_bufferSize(void*, int, int, int, int, Pointer, int, Pointer, Pointer, int, Pointer, int, int*, void*);
int cusolverDnDgesvdj(void*, int, int, int, int, Pointer, int, Pointer, Pointer, int, Pointer, int, Pointer, int, Pointer, void*);
int cusolverDnDsyevd_bufferSize(void*, int, int, int, Pointer, int, Pointer, int*);
int cusolverDnDsyevd(void*, int, int, int, Pointer, int, Pointer, Pointer, int, Pointer);
int escEmulatorSchedule(int, unsigned long long);
int escEmulatorErrors(char*, int);
int escEmulatorFail(const char*, int, int, int);
void escEmulatorReset();
}

inline int failures;
#define EXPECT(condition) \
  do {                    \
    if (!(condition)) printf("%s:%d: %s\n", __FILE__, __LINE__, #condition), failures++; \
  } while (0)
#define EXPECT_EQUAL(got, want)                                                                                                            \
  do {                                                                                                                                     \
    long long got_ = static_cast<long long>(got), want_ = static_cast<long long>(want);                                                    \
    if (got_ != want_) printf("%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, want_), failures++;                         \
  } while (0)

inline std::string folder;  // of the machine, given by the environment of the test
inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline int compile(const std::string& source, const std::string& prelude, const char* architecture, std::string& cubin, std::string& log) {
  void* program = nullptr;
  const char *texts[] = {prelude.c_str()}, *names[] = {"prelude.cuh"};
  EXPECT_EQUAL(nvrtcCreateProgram(&program, source.c_str(), "test.cu", 1, texts, names), 0);
  const char* options[] = {architecture, "--std=c++17", "-default-device"};
  int result = nvrtcCompileProgram(program, 3, options);
  size_t size = 0;
  nvrtcGetCUBINSize(program, &size);
  cubin.resize(size);
  if (size > 0) nvrtcGetCUBIN(program, &cubin[0]);
  nvrtcGetProgramLogSize(program, &size);
  log.resize(size);
  nvrtcGetProgramLog(program, &log[0]);
  EXPECT_EQUAL(nvrtcDestroyProgram(&program), 0);
  return result;
}

// A device with the modules of the test's kernels.
struct Device {
  int ordinal;
  void* context = nullptr;
  std::map<std::string, void*> modules;
  explicit Device(int ordinal) : ordinal(ordinal) {
    EXPECT_EQUAL(cuInit(0), 0);
    EXPECT_EQUAL(cuDevicePrimaryCtxRetain(&context, ordinal), 0);
    EXPECT_EQUAL(cuCtxSetCurrent(context), 0);
  }
  ~Device() { cuDevicePrimaryCtxRelease_v2(ordinal); }
  void* function(const char* name, const char* file) {
    void*& module = modules[file];
    if (module == nullptr) {
      std::string cubin, log;
      EXPECT_EQUAL(compile(read(folder + "/sources/" + file + ".cu"), read(folder + "/sources/prelude.cuh"), "--gpu-architecture=sm_80", cubin, log), 0);
      EXPECT_EQUAL(cuModuleLoadData(&module, cubin.data()), 0);
    }
    void* result = nullptr;
    EXPECT_EQUAL(cuModuleGetFunction(&result, module, name), 0);
    return result;
  }
  template <class... A> int launch(const char* file, const char* name, unsigned blocks, unsigned threads, A... arguments) {
    void* pointers[] = {static_cast<void*>(&arguments)..., nullptr};
    return cuLaunchKernel(function(name, file), blocks, 1, 1, threads, 1, 1, 0, nullptr, pointers, nullptr);
  }
  template <class... A> int launch_cooperative(const char* file, const char* name, unsigned blocks, unsigned threads, A... arguments) {
    void* pointers[] = {static_cast<void*>(&arguments)..., nullptr};
    return cuLaunchCooperativeKernel(function(name, file), blocks, 1, 1, threads, 1, 1, 0, nullptr, pointers);
  }
};

template <class T> struct Array {
  Pointer address = 0;
  size_t count;
  explicit Array(size_t count, int fill = 0) : count(count) {
    EXPECT_EQUAL(cuMemAlloc_v2(&address, count * sizeof(T)), 0);
    EXPECT_EQUAL(cuMemsetD8_v2(address, static_cast<unsigned char>(fill), count * sizeof(T)), 0);
  }
  explicit Array(const std::vector<T>& values) : Array(values.size()) { EXPECT_EQUAL(cuMemcpyHtoD_v2(address, values.data(), count * sizeof(T)), 0); }
  std::vector<T> values() const {
    std::vector<T> all(count);
    EXPECT_EQUAL(cuMemcpyDtoH_v2(all.data(), address, count * sizeof(T)), 0);
    return all;
  }
  operator Pointer() const { return address; }
};

inline std::string report(int& count) {
  char text[1024] = "";
  count = escEmulatorErrors(text, sizeof text);
  return text;
}

inline void expect_clean() {
  int count;
  std::string text = report(count);
  if (count != 0) printf("reported: %s\n", text.c_str()), failures++;
}

// The launch fails with a report that holds 'what', the context stays failed, and a reset brings it back.
inline void expect_report(Device& device, const char* what) {
  EXPECT_EQUAL(cuCtxSynchronize(), 700);
  Pointer p;
  EXPECT_EQUAL(cuMemAlloc_v2(&p, 16), 700);
  int count;
  std::string text = report(count);
  if (count < 1 || text.find(what) == std::string::npos) printf("reported: \"%s\", expected \"%s\"\n", text.c_str(), what), failures++;
  EXPECT_EQUAL(cuDevicePrimaryCtxReset_v2(device.ordinal), 0);
  device.modules.clear();
  EXPECT_EQUAL(cuCtxSynchronize(), 0);
}

// The cases of libraries.cpp.
void solvers();
void products();

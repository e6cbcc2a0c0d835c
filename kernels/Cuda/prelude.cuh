// The one include of every kernel file. The same .cu goes through NVRTC, which has no CUDA headers here, and through g++, for the
// emulated device of the tests (tests/emulation). Inline PTX stands in this file alone, each piece beside its twin for the host.
#pragma once
#ifdef __CUDACC__
#define KERNEL_EXPORT(name)
#define SMEM(type, name, dims) __shared__ __align__(16) type name dims
#define SMEM_DYN(type, name) \
  extern __shared__ __align__(128) unsigned char dynamic_shared_[]; \
  type* name = reinterpret_cast<type*>(dynamic_shared_)
#define DEV __device__ __forceinline__
#else
#include "cuda_on_host.h"
#define DEV inline
#endif

// KERNEL(threads of a block, blocks that a multiprocessor must hold: 1 lets the compiler use every register)
#define KERNEL(...) extern "C" __global__ void __launch_bounds__(__VA_ARGS__)

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;

// The sizes of a convolution or pooling: the same bytes as WindowArguments of the launchers.
struct Window {
  int batch, height, width, channels, out_height, out_width, outputs, kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left;
  DEV int taps() const { return kernel_height * kernel_width * channels; }
  DEV i64 pixels() const { return (i64)batch * out_height * out_width; }
};

// ---- storage types: what lies in memory; arithmetic is done in acc_t<T>
struct __align__(2) bf16 {
  unsigned short bits;
};

template <class T> struct accumulator { typedef T type; };
template <> struct accumulator<bf16> { typedef float type; };
template <class T> using acc_t = typename accumulator<T>::type;

DEV float widen(float v) { return v; }
DEV double widen(double v) { return v; }
DEV float widen(bf16 v) { return __uint_as_float((u32)v.bits << 16); }

template <class T> DEV T narrow(acc_t<T> v);
template <> DEV float narrow<float>(float v) { return v; }
template <> DEV double narrow<double>(double v) { return v; }
// To nearest even. In integers, so that both machines give the same bits, NaNs included.
template <> DEV bf16 narrow<bf16>(float v) {
  u32 u = __float_as_uint(v);
  bf16 r;
  r.bits = (u & 0x7fffffffu) > 0x7f800000u ? (unsigned short)((u >> 16) | 0x40u) : (unsigned short)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  return r;
}

// ---- several values at once, where the address allows it
template <class T, int N> struct alignas(N * sizeof(T)) Pack {
  T at[N];
};

// Values of 16 bytes.
template <class T> struct lanes { static constexpr int count = 16 / sizeof(T); };

DEV bool aligned16(const void* p) { return ((u64)p & 15u) == 0; }

// ---- the functions of both float types under one name
DEV float exp_of(float x) { return expf(x); }
DEV double exp_of(double x) { return exp(x); }
DEV float log_of(float x) { return logf(x); }
DEV double log_of(double x) { return log(x); }
DEV float sqrt_of(float x) { return sqrtf(x); }
DEV double sqrt_of(double x) { return sqrt(x); }
DEV float fma_of(float a, float b, float c) { return fmaf(a, b, c); }
DEV double fma_of(double a, double b, double c) { return fma(a, b, c); }
DEV float rint_of(float x) { return rintf(x); }
DEV double rint_of(double x) { return rint(x); }
DEV float hypot_of(float a, float b) { return hypotf(a, b); }
DEV double hypot_of(double a, double b) { return hypot(a, b); }
DEV float abs_of(float x) { return fabsf(x); }
DEV double abs_of(double x) { return fabs(x); }

// ---- the place of a thread in the grid
DEV i64 thread_index() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
DEV i64 thread_count() { return (i64)gridDim.x * blockDim.x; }

// a / b for a >= 0 < b: 32-bit division where that is enough, since one of 64 bits takes some hundred instructions.
DEV i64 quotient(i64 a, i64 b) { return ((a | b) >> 32) == 0 ? (i64)((u32)a / (u32)b) : a / b; }

// ---- constants of both float types
template <class A> DEV A infinity();
template <> DEV float infinity<float>() { return __uint_as_float(0x7f800000u); }
template <> DEV double infinity<double>() { return __longlong_as_double(0x7ff0000000000000ll); }

// ---- sums over a warp and a block, in an order fixed by the number of threads
constexpr u32 kAllLanes = 0xffffffffu;

template <class A> DEV A warp_sum(A v) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(kAllLanes, v, o);
  return v;
}

// max that keeps NaN, as the CPU's and PyTorch's do.
template <class A> DEV A max_nan(A a, A b) { return a > b || a != a ? a : b; }

// (x - mean) scale + shift. Where the difference leaves the range of float32 (both beyond half of it, on two sides) it is that of quarters.
template <class A> DEV A standardise(A x, A mean, A scale, A shift) {
  A v = x - mean;
  if (sizeof(A) == 4 && !(abs_of(v) <= (A)3e38)) return fma_of(x * (A)0.25 - mean * (A)0.25, scale * (A)4, shift);
  return fma_of(v, scale, shift);
}

template <class A> DEV A warp_max(A v) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) v = max_nan(v, __shfl_xor_sync(kAllLanes, v, o));
  return v;
}

// Every thread of the block gets the result. The leading barrier lets one kernel call it repeatedly.
template <class A> DEV A block_sum(A v, A* scratch32) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
  v = warp_sum(v);
  __syncthreads();
  if (lane == 0) scratch32[warp] = v;
  __syncthreads();
  return warp_sum(lane < warps ? scratch32[lane] : (A)0);
}

template <class A> DEV A block_max(A v, A* scratch32) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = (blockDim.x + 31) >> 5;
  v = warp_max(v);
  __syncthreads();
  if (lane == 0) scratch32[warp] = v;
  __syncthreads();
  return warp_max(lane < warps ? scratch32[lane] : -infinity<A>());
}

// ---- a fault that the host reads when it next waits; the first one is kept: [code, value, where low, where high, limit low, limit high]
enum Fault { kRowOutOfRange = 1, kLabelOutOfRange = 2 };

DEV void report_fault(int* faults, int code, int value, i64 where, i64 limit) {
  if (atomicCAS(faults, 0, code) != 0) return;
  faults[1] = value;
  faults[2] = (int)where;
  faults[3] = (int)(where >> 32);
  faults[4] = (int)limit;
  faults[5] = (int)(limit >> 32);
}

// ---- asynchronous copies to shared memory (sm_80): 'valid' of the 16 or 4 bytes are copied, the rest is set to 0
#ifdef __CUDACC__
DEV void cp_async16(void* shared, const void* global, int valid = 16) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((u32)__cvta_generic_to_shared(shared)), "l"(global), "r"(valid) : "memory");
}
DEV void cp_async4(void* shared, const void* global, int valid = 4) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"((u32)__cvta_generic_to_shared(shared)), "l"(global), "r"(valid) : "memory");
}
DEV void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Open> DEV void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(Open) : "memory"); }
#else
inline void cp_async16(void* shared, const void* global, int valid = 16, COH_LOC) { coh::cp_async(shared, global, 16, valid, file, line); }
inline void cp_async4(void* shared, const void* global, int valid = 4, COH_LOC) { coh::cp_async(shared, global, 4, valid, file, line); }
inline void cp_async_commit() { coh::cp_commit(); }
template <int Open> inline void cp_async_wait() { coh::cp_wait(Open); }
#endif

// ---- a barrier of all blocks of a cooperative launch. 'arrived' is one word of global memory that starts at 0 and needs no reset:
// its top bit flips when the last block arrives.
#ifdef __CUDACC__
DEV void grid_sync(u32* arrived) {
  __syncthreads();
  if (threadIdx.x == 0) {
    u32 blocks = gridDim.x * gridDim.y * gridDim.z;
    bool first = blockIdx.x + blockIdx.y + blockIdx.z == 0;
    __threadfence();
    u32 before = atomicAdd(arrived, first ? 0x80000000u - (blocks - 1) : 1u);
    while (((before ^ *(volatile u32*)arrived) & 0x80000000u) == 0) {}
    __threadfence();
  }
  __syncthreads();
}
#else
inline void grid_sync(u32*, COH_LOC) { coh::grid_barrier(file, line); }
#endif

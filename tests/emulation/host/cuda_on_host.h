// Lets the CUDA C++ of kernels/*/*.cu be compiled by g++ for the emulated device: the language, the intrinsics, and the calls into the
// machine that runs the threads (tests/emulation/machine). A kernel includes it through prelude.cuh.
#pragma once
#include "types.h"
#include "machine.h"
#include "intrinsics.h"
#include "warp.h"

#define __global__ __attribute__((visibility("default")))
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
#define __restrict__ __restrict

// The bound travels as the alignment of the function, which is all that an attribute in this place can carry; see COH_THREAD_BOUND.
#define __launch_bounds__(...) __attribute__((aligned(coh::power_of_two(__VA_ARGS__))))

#define threadIdx (coh::thread_index())
#define blockIdx (coh::block_index())
#define blockDim (coh::block_dimensions())
#define gridDim (coh::grid_dimensions())
constexpr int warpSize = 32;

// The array lives where the machine puts it for the block that runs; static storage would be shared by blocks that run side by side.
#define SMEM(type, name, dims)                                       \
  typedef type name##_type_ dims;                                    \
  static coh::SharedArray name##_array_{sizeof(name##_type_), #name}; \
  name##_type_& name = *static_cast<name##_type_*>(coh::shared_array(name##_array_))
#define SMEM_DYN(type, name) type* name = static_cast<type*>(coh::dynamic_shared())

inline void __syncthreads(COH_LOC) { coh::block_barrier(file, line); }
inline int __syncthreads_count(int value, COH_LOC) { return coh::block_reduce(value, file, line).nonzero; }
inline int __syncthreads_or(int value, COH_LOC) { return coh::block_reduce(value, file, line).nonzero != 0; }
inline int __syncthreads_and(int value, COH_LOC) {
  coh::Votes votes = coh::block_reduce(value, file, line);
  return votes.nonzero == votes.cast;
}
// The machine is sequentially consistent: a missing fence is not found.
inline void __threadfence() {}
inline void __threadfence_block() {}

namespace coh {
constexpr int power_of_two(int threads, int = 0) {
  int bound = 32;
  while (bound < threads) bound *= 2;
  return bound;
}

// Calls a kernel with the argument form of cuLaunchKernel: a pointer to each argument.
template <class... A> struct Signature {
  static constexpr int count = sizeof...(A);
  static inline const int sizes[count + 1] = {static_cast<int>(sizeof(A))..., 0};
  template <void (*Kernel)(A...), int... I> COH_UNCHECKED static void call(void** arguments, std::integer_sequence<int, I...>) {
    Kernel(*static_cast<std::remove_reference_t<A>*>(arguments[I])...);
  }
  template <void (*Kernel)(A...)> COH_UNCHECKED static void run(void** arguments) {
    call<Kernel>(arguments, std::make_integer_sequence<int, count>{});
  }
};
template <class... A> Signature<A...> signature_of(void (*)(A...));
}  // namespace coh

// clang, which only looks for faults here (widths.sh), cannot ask for it.
#ifdef __clang__
#define COH_THREAD_BOUND(name) 0
#else
// 0: the kernel has no __launch_bounds__. A bound that is no power of two is known as the next one.
#define COH_THREAD_BOUND(name)                                                                           \
  (__builtin_has_attribute(name, aligned(1024)) ? 1024 : __builtin_has_attribute(name, aligned(512)) ? 512 \
   : __builtin_has_attribute(name, aligned(256)) ? 256 : __builtin_has_attribute(name, aligned(128)) ? 128 \
   : __builtin_has_attribute(name, aligned(64)) ? 64 : __builtin_has_attribute(name, aligned(32)) ? 32 : 0)
#endif

// What cuModuleGetFunction finds.
#define KERNEL_EXPORT(name)                                                                                       \
  extern "C" __attribute__((visibility("default"))) const coh::Kernel name##__kernel = {                          \
      #name, &decltype(coh::signature_of(&name))::template run<&name>, decltype(coh::signature_of(&name))::count, \
      decltype(coh::signature_of(&name))::sizes, COH_THREAD_BOUND(name)};

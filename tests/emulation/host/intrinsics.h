// Atomics, bit casts and the mathematics of CUDA C++ that glibc does not name alike.
#pragma once
#include "machine.h"

namespace coh {
template <class T> struct identity { using type = T; };
// The argument does not take part in the deduction of T, as with CUDA's overloads.
template <class T> using same = typename identity<T>::type;

template <class To, class From> COH_UNCHECKED inline To bits(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  memcpy(&result, &value, sizeof result);
  return result;
}

template <class T, class F> COH_UNCHECKED inline T atomic(T* address, F change) {
#ifdef __SANITIZE_THREAD__
  check_atomic(address, sizeof(T), __builtin_return_address(0));
#endif
  T old = *address;
  *address = change(old);
  return old;
}
}  // namespace coh

#define COH_ATOMIC(name, value_of)                                                \
  template <class T> COH_UNCHECKED inline T name(T* address, coh::same<T> value) { \
    return coh::atomic(address, [&](T old) COH_UNCHECKED { return static_cast<T>(value_of); }); \
  }
COH_ATOMIC(atomicAdd, old + value)
COH_ATOMIC(atomicSub, old - value)
COH_ATOMIC(atomicExch, ((void)old, value))
COH_ATOMIC(atomicMin, value < old ? value : old)
COH_ATOMIC(atomicMax, old < value ? value : old)
COH_ATOMIC(atomicAnd, old & value)
COH_ATOMIC(atomicOr, old | value)
COH_ATOMIC(atomicXor, old ^ value)
COH_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
COH_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
#undef COH_ATOMIC
template <class T> COH_UNCHECKED inline T atomicCAS(T* address, coh::same<T> expected, coh::same<T> value) {
  return coh::atomic(address, [&](T old) COH_UNCHECKED { return old == expected ? value : old; });
}

template <class T> inline T __ldg(const T* p) { return *p; }
template <class T> inline T __ldcs(const T* p) { return *p; }
template <class T> inline T __ldcg(const T* p) { return *p; }
template <class T> inline void __stcs(T* p, coh::same<T> value) { *p = value; }
template <class T> inline void __stcg(T* p, coh::same<T> value) { *p = value; }

inline unsigned __float_as_uint(float v) { return coh::bits<unsigned>(v); }
inline int __float_as_int(float v) { return coh::bits<int>(v); }
inline float __uint_as_float(unsigned v) { return coh::bits<float>(v); }
inline float __int_as_float(int v) { return coh::bits<float>(v); }
inline long long __double_as_longlong(double v) { return coh::bits<long long>(v); }
inline double __longlong_as_double(long long v) { return coh::bits<double>(v); }
inline double __hiloint2double(int high, int low) {
  return coh::bits<double>(static_cast<uint64_t>(static_cast<uint32_t>(high)) << 32 | static_cast<uint32_t>(low));
}

inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32); }
inline int __mulhi(int a, int b) { return static_cast<int>(static_cast<int64_t>(a) * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(static_cast<unsigned>(v)); }
inline int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(v)); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline int __ffsll(long long v) { return __builtin_ffsll(v); }
inline unsigned __brev(unsigned v) {
  unsigned r = 0;
  for (int i = 0; i < 32; i++) r |= (v >> i & 1u) << (31 - i);
  return r;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) << (shift & 31) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((static_cast<uint64_t>(high) << 32 | low) >> (shift & 31));
}

// min and max of integers of one type; of floats they are fminf and fmaxf, which prefer the number to a NaN.
#define COH_MIN_MAX(T)                                 \
  inline T min(T a, T b) { return b < a ? b : a; } \
  inline T max(T a, T b) { return a < b ? b : a; }
COH_MIN_MAX(int)
COH_MIN_MAX(unsigned)
COH_MIN_MAX(long)
COH_MIN_MAX(unsigned long)
COH_MIN_MAX(long long)
COH_MIN_MAX(unsigned long long)
#undef COH_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

// CUDA overloads the names without suffix for float and double.
#define COH_OVERLOAD(name) using std::name;
COH_OVERLOAD(abs) COH_OVERLOAD(fabs) COH_OVERLOAD(sqrt) COH_OVERLOAD(exp) COH_OVERLOAD(exp2) COH_OVERLOAD(expm1)
COH_OVERLOAD(log) COH_OVERLOAD(log2) COH_OVERLOAD(log10) COH_OVERLOAD(log1p) COH_OVERLOAD(pow) COH_OVERLOAD(sin)
COH_OVERLOAD(cos) COH_OVERLOAD(tan) COH_OVERLOAD(sinh) COH_OVERLOAD(cosh) COH_OVERLOAD(tanh) COH_OVERLOAD(atan2)
COH_OVERLOAD(erf) COH_OVERLOAD(erfc) COH_OVERLOAD(floor) COH_OVERLOAD(ceil) COH_OVERLOAD(round) COH_OVERLOAD(trunc)
COH_OVERLOAD(rint) COH_OVERLOAD(nearbyint) COH_OVERLOAD(fma) COH_OVERLOAD(fmin) COH_OVERLOAD(fmax) COH_OVERLOAD(fmod)
COH_OVERLOAD(cbrt) COH_OVERLOAD(hypot) COH_OVERLOAD(copysign) COH_OVERLOAD(ldexp) COH_OVERLOAD(frexp) COH_OVERLOAD(isnan)
COH_OVERLOAD(isinf) COH_OVERLOAD(isfinite) COH_OVERLOAD(signbit)
#undef COH_OVERLOAD
namespace coh {
// A result that the compiler must not fuse with what is done next, as the device's compiler does not.
template <class T> inline T unfused(T v) {
  asm("" : "+x"(v));
  return v;
}
}  // namespace coh
inline float rsqrtf(float v) { return 1.0f / sqrtf(v); }
inline float rsqrt(float v) { return 1.0f / sqrtf(v); }
inline double rsqrt(double v) { return 1.0 / std::sqrt(v); }
inline void sincos(float v, float* sine, float* cosine) { *sine = sinf(v), *cosine = cosf(v); }
inline float __expf(float v) { return expf(v); }
inline float __logf(float v) { return logf(v); }
inline float __sinf(float v) { return sinf(v); }
inline float __cosf(float v) { return cosf(v); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fsqrt_rn(float v) { return sqrtf(v); }
inline float __frcp_rn(float v) { return 1.0f / v; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fadd_rn(float a, float b) { return coh::unfused(a + b); }
inline float __fsub_rn(float a, float b) { return coh::unfused(a - b); }
inline float __fmul_rn(float a, float b) { return coh::unfused(a * b); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return coh::unfused(a + b); }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return coh::unfused(a * b); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float __saturatef(float v) { return v > 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f; }

// Conversions saturate and take NaN to 0, as the device's do.
namespace coh {
template <class To, class From> inline To saturate(From v) {
  if (v != v) return 0;
  // 2^digits is exact in every float type, the largest integer itself is not.
  constexpr int digits = static_cast<int>(sizeof(To)) * 8 - (std::is_signed_v<To> ? 1 : 0);
  const From above = std::ldexp(static_cast<From>(1), digits);
  const From below = std::is_signed_v<To> ? -above : 0;
  if (v >= above) return static_cast<To>(~static_cast<To>(0)) < 0 ? static_cast<To>(~(static_cast<std::make_unsigned_t<To>>(1) << digits)) : static_cast<To>(~static_cast<To>(0));
  if (v < below) return std::is_signed_v<To> ? static_cast<To>(static_cast<std::make_unsigned_t<To>>(1) << digits) : 0;
  return static_cast<To>(v);
}
}  // namespace coh
inline int __float2int_rn(float v) { return coh::saturate<int>(nearbyintf(v)); }
inline int __float2int_rz(float v) { return coh::saturate<int>(truncf(v)); }
inline int __float2int_rd(float v) { return coh::saturate<int>(floorf(v)); }
inline int __float2int_ru(float v) { return coh::saturate<int>(ceilf(v)); }
inline unsigned __float2uint_rn(float v) { return coh::saturate<unsigned>(nearbyintf(v)); }
inline unsigned __float2uint_rz(float v) { return coh::saturate<unsigned>(truncf(v)); }
inline long long __float2ll_rz(float v) { return coh::saturate<long long>(truncf(v)); }
inline long long __float2ll_rn(float v) { return coh::saturate<long long>(nearbyintf(v)); }
inline int __double2int_rn(double v) { return coh::saturate<int>(std::nearbyint(v)); }
inline int __double2int_rz(double v) { return coh::saturate<int>(std::trunc(v)); }
inline unsigned __double2uint_rn(double v) { return coh::saturate<unsigned>(std::nearbyint(v)); }
inline unsigned __double2uint_rz(double v) { return coh::saturate<unsigned>(std::trunc(v)); }
inline long long __double2ll_rz(double v) { return coh::saturate<long long>(std::trunc(v)); }
inline long long __double2ll_rn(double v) { return coh::saturate<long long>(std::nearbyint(v)); }
inline float __int2float_rn(int v) { return static_cast<float>(v); }
inline float __uint2float_rn(unsigned v) { return static_cast<float>(v); }
inline float __ll2float_rn(long long v) { return static_cast<float>(v); }
inline double __int2double_rn(int v) { return v; }
inline double __ll2double_rn(long long v) { return static_cast<double>(v); }
inline float __double2float_rn(double v) { return static_cast<float>(v); }

#ifdef COH_NOISE
#include "noise.h"
#endif

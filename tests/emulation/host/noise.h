// Twins of CUDA's functions that are off by the units in the last place that its programming guide grants them, up or down as the bits
// of the argument say: the same argument gives the same result. Exact where CUDA's are: exp 0, log 1, tanh and erf of 0 and infinity.
#pragma once
#include "types.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace coh {
inline uint64_t mixed(uint64_t bits) {
  bits *= 0x9E3779B97F4A7C15ull;
  bits ^= bits >> 31;
  bits *= 0xBF58476D1CE4E5B9ull;
  return bits ^ bits >> 29;
}

// 'value' moved by -units to units, by whole steps between neighbours.
template <class T, class Bits> inline T off(T value, T argument, int units) {
  if (!std::isfinite(value) || value == 0) return value;
  Bits key, bits;
  memcpy(&key, &argument, sizeof key);
  memcpy(&bits, &value, sizeof bits);
  bits += static_cast<Bits>(static_cast<int>(mixed(static_cast<uint64_t>(key)) % static_cast<uint64_t>(2 * units + 1)) - units);
  T moved;
  memcpy(&moved, &bits, sizeof moved);
  return std::isfinite(moved) ? moved : value;
}
inline float off(float value, float argument, int units) { return off<float, int32_t>(value, argument, units); }
inline double off(double value, double argument, int units) { return off<double, int64_t>(value, argument, units); }

// tanh and erf saturate: their result never leaves [-1, 1].
template <class T> inline T within_one(T v) { return v > 1 ? T(1) : v < -1 ? T(-1) : v; }

inline float noisy_expf(float x) { return x == 0 ? 1 : off(std::exp(x), x, 2); }
inline double noisy_exp(double x) { return x == 0 ? 1 : off(std::exp(x), x, 1); }
inline float noisy_exp(float x) { return noisy_expf(x); }
inline float noisy_logf(float x) { return x == 1 ? 0 : off(std::log(x), x, 1); }
inline double noisy_log(double x) { return x == 1 ? 0 : off(std::log(x), x, 1); }
inline float noisy_log(float x) { return noisy_logf(x); }
inline float noisy_tanhf(float x) { return within_one(off(std::tanh(x), x, 2)); }
inline double noisy_tanh(double x) { return within_one(off(std::tanh(x), x, 2)); }
inline float noisy_tanh(float x) { return noisy_tanhf(x); }
inline float noisy_erff(float x) { return within_one(off(std::erf(x), x, 2)); }
inline double noisy_erf(double x) { return within_one(off(std::erf(x), x, 2)); }
inline float noisy_erf(float x) { return noisy_erff(x); }
}  // namespace coh

#define expf(x) coh::noisy_expf(x)
#define exp(x) coh::noisy_exp(x)
#define logf(x) coh::noisy_logf(x)
#define log(x) coh::noisy_log(x)
#define tanhf(x) coh::noisy_tanhf(x)
#define tanh(x) coh::noisy_tanh(x)
#define erff(x) coh::noisy_erff(x)
#define erf(x) coh::noisy_erf(x)

#include "prelude.cuh"

// Philox 4x32-10 (Salmon et al., SC 2011): the same bits as Philox.cs, word i of the stream (seed, stream) for value i.
// budget: uniform=40 uniform_bf16=40 normal=48 dropout=48 apply_mask=32

struct Words {
  u32 at[4];
};

DEV Words philox(u64 seed, u64 stream, u64 block) {
  u32 c0 = (u32)block, c1 = (u32)(block >> 32), c2 = (u32)stream, c3 = (u32)(stream >> 32), k0 = (u32)seed, k1 = (u32)(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    u32 high0 = __umulhi(0xD2511F53u, c0), low0 = 0xD2511F53u * c0, high1 = __umulhi(0xCD9E8D57u, c2), low1 = 0xCD9E8D57u * c2;
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// In [0, 1): the upper 24 bits, exact in float32.
DEV float to_uniform(u32 word) { return (float)(word >> 8) * 5.9604645e-8f; }

// body(i, word) for every i < n with word offset + i of the stream; a thread takes the four words of a block.
template <class F> DEV void for_each_word(u64 seed, u64 stream, u64 offset, i64 n, F body) {
  u64 first = offset >> 2, blocks = ((offset + (u64)n + 3) >> 2) - first;
  for (u64 b = (u64)thread_index(); b < blocks; b += (u64)thread_count()) {
    Words w = philox(seed, stream, first + b);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      i64 i = (i64)((first + b) * 4 + j - offset);
      if (i >= 0 && i < n) body(i, w.at[j]);
    }
  }
}

template <class T> DEV void uniform(T* y, i64 n, u64 seed, u64 stream, u64 offset) {
  for_each_word(seed, stream, offset, n, [&](i64 i, u32 word) { y[i] = narrow<T>((acc_t<T>)to_uniform(word)); });
}

// ln u for u in (0, 1], by fused multiply-adds in a fixed order, as Philox.cs (Cephes' polynomial).
DEV float log_unit(float u) {
  int bits = __float_as_int(u), e = (bits - 0x3F3504F3) >> 23;
  float m = __int_as_float(bits - (e << 23)) - 1.0f, p = 7.0376836e-2f;
  p = fmaf(p, m, -1.1514610e-1f);
  p = fmaf(p, m, 1.1676998e-1f);
  p = fmaf(p, m, -1.2420141e-1f);
  p = fmaf(p, m, 1.4249323e-1f);
  p = fmaf(p, m, -1.6668057e-1f);
  p = fmaf(p, m, 2.0000714e-1f);
  p = fmaf(p, m, -2.4999994e-1f);
  p = fmaf(p, m, 3.3333331e-1f);
  float square = m * m, y = p * m * square;
  y = fmaf((float)e, -2.1219444e-4f, y);
  y = fmaf(-0.5f, square, y);
  return fmaf((float)e, 0.693359375f, m + y);
}

// sin and cos of 2 pi u for u in [0, 1).
DEV void sin_cos_turns(float u, float& sine, float& cosine) {
  int quarter = (int)(u * 4.0f + 0.5f);
  float x = (u - (float)quarter * 0.25f) * 6.2831853f, square = x * x;
  float s = fmaf(fmaf(-1.9515296e-4f, square, 8.3321609e-3f), square, -1.6666655e-1f);
  float sin_x = fmaf(s * square, x, x);
  float c = fmaf(fmaf(2.4433157e-5f, square, -1.3887316e-3f), square, 4.1666646e-2f);
  float cos_x = fmaf(c * square, square, fmaf(-0.5f, square, 1.0f));
  bool swap = quarter & 1;
  sine = swap ? cos_x : sin_x;
  cosine = swap ? -sin_x : cos_x;
  if (quarter & 2) {
    sine = -sine;
    cosine = -cosine;
  }
}

// Standard normal numbers; values 2j and 2j + 1 come from words offset + 2j and offset + 2j + 1 (Box and Muller).
KERNEL(256) normal_f32(float* y, i64 n, u64 seed, u64 stream, u64 offset) {
  for (i64 pair = thread_index(); pair < (n + 1) / 2; pair += thread_count()) {
    u64 at = offset + (u64)pair * 2;
    Words w = philox(seed, stream, at >> 2);
    u32 first = w.at[0], second = w.at[1];
    if ((at & 3) == 2) {
      first = w.at[2];
      second = w.at[3];
    } else if (at & 1) {
      bool last = (at & 3) == 3;
      first = last ? w.at[3] : w.at[1];
      second = last ? philox(seed, stream, (at >> 2) + 1).at[0] : w.at[2];
    }
    // In (0, 1], so that the logarithm is finite.
    float u = (float)((first >> 8) + 1) * 5.9604645e-8f, radius = sqrtf(-2.0f * log_unit(u)), sine, cosine;
    sin_cos_turns(to_uniform(second), sine, cosine);
    y[2 * pair] = radius * cosine;
    if (2 * pair + 1 < n) y[2 * pair + 1] = radius * sine;
  }
}
KERNEL_EXPORT(normal_f32)

// mask = 1 where the word's 24 bits reach the threshold; y = x mask scale.
template <class T> DEV void dropout(const T* x, T* y, u8* mask, u32 threshold, acc_t<T> scale, i64 n, u64 seed, u64 stream, u64 offset) {
  for_each_word(seed, stream, offset, n, [&](i64 i, u32 word) {
    bool kept = (word >> 8) >= threshold;
    mask[i] = kept;
    y[i] = narrow<T>((acc_t<T>)widen(x[i]) * (kept ? scale : (acc_t<T>)0));
  });
}

template <class T> DEV void apply_mask(const T* dy, const u8* mask, acc_t<T> scale, T* dx, i64 n) {
  for (i64 i = thread_index(); i < n; i += thread_count()) dx[i] = narrow<T>((acc_t<T>)widen(dy[i]) * (mask[i] ? scale : (acc_t<T>)0));
}

#define INSTANTIATE(T, S) \
  KERNEL(256) uniform_##S(T* y, i64 n, u64 seed, u64 stream, u64 offset) { uniform<T>(y, n, seed, stream, offset); } \
  KERNEL_EXPORT(uniform_##S) \
  KERNEL(256) dropout_##S(const T* x, T* y, u8* mask, u32 threshold, acc_t<T> scale, i64 n, u64 seed, u64 stream, u64 offset) { \
    dropout<T>(x, y, mask, threshold, scale, n, seed, stream, offset); } \
  KERNEL_EXPORT(dropout_##S) \
  KERNEL(256) apply_mask_##S(const T* dy, const u8* mask, acc_t<T> scale, T* dx, i64 n) { apply_mask<T>(dy, mask, scale, dx, n); } \
  KERNEL_EXPORT(apply_mask_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

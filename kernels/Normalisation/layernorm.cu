#include "prelude.cuh"

// Layer normalisation of the rows of x [rows, d], and the gradients. Parameters and statistics are acc_t. A row is the work of
// 'threads' threads: a warp for short rows, the block for long ones.
// budget: layer_norm=48 layer_norm_backward=48 layer_norm_gradient=48

template <class A> DEV A group_max(A v, int threads, A* scratch) { return threads == 32 ? warp_max(v) : block_max(v, scratch); }
template <class A> DEV A group_sum(A v, int threads, A* scratch) { return threads == 32 ? warp_sum(v) : block_sum(v, scratch); }

// Deviations are from the row's first value, then from the mean that they give: equal values deviate by nothing, and a large mean costs no
// digits. mean_rest is what A cannot hold of the mean; it, mean and rstd may be null.
template <class T> DEV void layer_norm(const T* x, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, T* y, acc_t<T>* mean, acc_t<T>* mean_rest, acc_t<T>* rstd, i64 rows, i64 d, int threads) {
  typedef acc_t<T> A;
  SMEM(A, scratch, [32]);
  int t = threadIdx.x % threads, groups = blockDim.x / threads;
  for (i64 first = (i64)blockIdx.x * groups; first < rows; first += (i64)gridDim.x * groups) {
    i64 row = first + threadIdx.x / threads;
    i64 begin = row < rows ? row * d : 0, end = row < rows ? begin + d : 0;
    A origin = widen(x[begin]), s = 0, q = 0;
    for (i64 i = begin + t; i < end; i += threads) s += (A)widen(x[i]) - origin;
    A m = origin + group_sum(s, threads, (A*)scratch) / (A)d;
    // A second pass over the row, which is in the cache.
    s = 0;
    for (i64 i = begin + t; i < end; i += threads) {
      A v = (A)widen(x[i]) - m;
      s += v;
      q = fma_of(v, v, q);
    }
    A rest = group_sum(s, threads, (A*)scratch) / (A)d;
    q = group_sum(q, threads, (A*)scratch);
    A r = (A)1 / sqrt_of(max_nan(q / (A)d - rest * rest, (A)0) + eps);
    // Squares that left the range of float32, or drowned below it where eps does not hide that: again, with deviations of size 1. Where the
    // deviations leave it too (beyond half of the range on both sides), they are those of quarters. All threads of a row agree on it.
    if (sizeof(A) == 4 && !(q <= (A)3e38 && (q >= (A)1e-30 || eps >= (A)1e-12))) {
      A largest = 0;
      for (i64 i = begin + t; i < end; i += threads) largest = max_nan(largest, abs_of((A)widen(x[i]) - origin));
      largest = group_max(largest, threads, (A*)scratch);
      A unit = largest <= (A)3e38 ? (A)1 : (A)0.25, scale = (A)1 / (largest <= (A)3e38 ? max_nan(largest, (A)1e-37) : (A)1e38);
      s = q = 0;
      for (i64 i = begin + t; i < end; i += threads) s += ((A)widen(x[i]) * unit - origin * unit) * scale;
      m = (origin * unit + group_sum(s, threads, (A*)scratch) / (A)d / scale) / unit;
      s = 0;
      for (i64 i = begin + t; i < end; i += threads) {
        A v = ((A)widen(x[i]) * unit - m * unit) * scale;
        s += v;
        q = fma_of(v, v, q);
      }
      A mean_scaled = group_sum(s, threads, (A*)scratch) / (A)d;
      rest = mean_scaled / scale / unit;
      A deviation = sqrt_of(max_nan(group_sum(q, threads, (A*)scratch) / (A)d - mean_scaled * mean_scaled, (A)0)) / scale;
      r = unit / hypot_of(deviation, sqrt_of(eps) * unit);
    }
    A shift = -rest * r;
    for (i64 i = begin + t; i < end; i += threads) y[i] = narrow<T>(fma_of(standardise((A)widen(x[i]), m, r, shift), gamma[i - begin], beta[i - begin]));
    if (row < rows && t == 0) {
      if (mean) mean[row] = m;
      if (mean_rest) mean_rest[row] = rest;
      if (rstd) rstd[row] = r;
    }
  }
}

// With x' = (x - mean) rstd and g = dy gamma: dx = rstd (g - mean(g) - x' mean(g x')) over the row.
template <class T> DEV void layer_norm_backward(const T* x, const T* dy, const acc_t<T>* gamma, const acc_t<T>* mean, const acc_t<T>* mean_rest, const acc_t<T>* rstd, T* dx, i64 rows, i64 d, int threads) {
  typedef acc_t<T> A;
  SMEM(A, scratch, [32]);
  int t = threadIdx.x % threads, groups = blockDim.x / threads;
  for (i64 first = (i64)blockIdx.x * groups; first < rows; first += (i64)gridDim.x * groups) {
    i64 row = first + threadIdx.x / threads;
    i64 begin = row < rows ? row * d : 0, end = row < rows ? begin + d : 0;
    A m = row < rows ? mean[row] : (A)0, r = row < rows ? rstd[row] : (A)0, shift = row < rows && mean_rest ? -mean_rest[row] * r : (A)0, sum = 0, product = 0;
    for (i64 i = begin + t; i < end; i += threads) {
      A g = (A)widen(dy[i]) * gamma[i - begin];
      sum += g;
      product = fma_of(g, standardise((A)widen(x[i]), m, r, shift), product);
    }
    sum = group_sum(sum, threads, (A*)scratch) / (A)d;
    product = group_sum(product, threads, (A*)scratch) / (A)d;
    for (i64 i = begin + t; i < end; i += threads) dx[i] = narrow<T>(r * ((A)widen(dy[i]) * gamma[i - begin] - sum - standardise((A)widen(x[i]), m, r, shift) * product));
  }
}

// partial: [2, chunks, d] = sums of dy and of dy x' over the rows of a chunk; a thread a column of it.
template <class T> DEV void layer_norm_gradient(const T* x, const T* dy, const acc_t<T>* mean, const acc_t<T>* mean_rest, const acc_t<T>* rstd, acc_t<T>* partial, i64 rows, i64 d, i64 chunk, i64 chunks) {
  typedef acc_t<T> A;
  for (i64 at = thread_index(); at < chunks * d; at += thread_count()) {
    i64 c = quotient(at, d), column = at - c * d, end = min(rows, (c + 1) * chunk);
    A d_beta = 0, d_gamma = 0;
    for (i64 row = c * chunk; row < end; row++) {
      A g = widen(dy[row * d + column]);
      d_beta += g;
      A r = rstd[row], shift = mean_rest ? -mean_rest[row] * r : (A)0;
      d_gamma = fma_of(g, standardise((A)widen(x[row * d + column]), mean[row], r, shift), d_gamma);
    }
    partial[at] = d_beta;
    partial[chunks * d + at] = d_gamma;
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) layer_norm_##S(const T* x, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, T* y, acc_t<T>* mean, acc_t<T>* mean_rest, acc_t<T>* rstd, i64 rows, i64 d, int threads) { \
    layer_norm<T>(x, gamma, beta, eps, y, mean, mean_rest, rstd, rows, d, threads); } \
  KERNEL_EXPORT(layer_norm_##S) \
  KERNEL(256) layer_norm_backward_##S(const T* x, const T* dy, const acc_t<T>* gamma, const acc_t<T>* mean, const acc_t<T>* mean_rest, const acc_t<T>* rstd, T* dx, i64 rows, i64 d, int threads) { \
    layer_norm_backward<T>(x, dy, gamma, mean, mean_rest, rstd, dx, rows, d, threads); } \
  KERNEL_EXPORT(layer_norm_backward_##S) \
  KERNEL(256) layer_norm_gradient_##S(const T* x, const T* dy, const acc_t<T>* mean, const acc_t<T>* mean_rest, const acc_t<T>* rstd, acc_t<T>* partial, i64 rows, i64 d, i64 chunk, i64 chunks) { \
    layer_norm_gradient<T>(x, dy, mean, mean_rest, rstd, partial, rows, d, chunk, chunks); } \
  KERNEL_EXPORT(layer_norm_gradient_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

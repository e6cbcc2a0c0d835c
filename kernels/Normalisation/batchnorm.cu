#include "prelude.cuh"

// Batch normalisation of the columns of x [rows, channels], with its ReLU, and the gradients. Parameters and statistics are acc_t.
// A block works on a tile of columns: 'width' columns (a power of 2, 32 or fewer) by 256 / width rows at a time; the rows are cut
// into chunks whose number follows from the sizes alone, and a second launch combines the chunks in order.
// budget: batch_statistics=48 batch_statistics_f64=64 batch_statistics_combine=48 batch_statistics_combine_f64=64 batch_normalise=40 batch_normalise_f64=48 batch_norm_gradient=48 batch_norm_gradient_f64=64 batch_norm_gradient_combine=40 batch_norm_backward=40 batch_norm_backward_f64=56 track_statistics=32

constexpr int kThreads = 256;

struct Tile {
  int width, lane, row, height;
  i64 column;
  bool wanted;
};

DEV Tile tile_of(int width, i64 channels) {
  Tile t;
  t.width = width;
  t.lane = threadIdx.x & (width - 1);
  t.row = threadIdx.x / width;
  t.height = kThreads / width;
  t.column = (i64)blockIdx.y * width + t.lane;
  t.wanted = t.column < channels;
  return t;
}

// Of some values: how many, their mean as the sum of two numbers, the second what the first cannot hold, and the root of the sum of squared
// deviations. The root, since squares of float32 may be beyond its range, and in units of 2^12, since that of many large ones is too.
template <class A> struct Moments {
  A count, mean, rest, root;
  static constexpr A kUnit = (A)4096;
};

// a + b, exactly, as a sum and what it cannot hold (Knuth).
template <class A> DEV void two_sum(A a, A b, A& sum, A& rest) {
  sum = a + b;
  A part = sum - a;
  rest = (a - (sum - part)) + (b - part);
}

// The moments of two parts become those of both (Chan, Golub and LeVeque 1979).
template <class A> DEV void merge(Moments<A>& m, const Moments<A>& other) {
  if (other.count == 0) return;
  if (m.count == 0) {
    m = other;
    return;
  }
  // In the root's units: the means may be as far apart as float32 reaches. Powers of 2 round nothing.
  constexpr A kUnit = Moments<A>::kUnit, kPart = (A)1 / kUnit;
  A delta = (other.mean * kPart - m.mean * kPart) + (other.rest * kPart - m.rest * kPart), share = other.count / (m.count + other.count);
  A apart = abs_of(delta) * sqrt_of(m.count * share);
  two_sum(m.mean, m.rest + delta * share * kUnit, m.mean, m.rest);
  m.root = hypot_of(hypot_of(m.root, other.root), apart);
  m.count += other.count;
}

// Combines the rows of a tile of threads column by column; the threads of row 0 have the result.
template <class A> DEV void merge_rows(const Tile& t, A* shared, Moments<A>& m) {
#pragma unroll 1
  for (int step = t.height / 2; step > 0; step /= 2) {
    __syncthreads();
    if (t.row >= step && t.row < 2 * step) {
      shared[threadIdx.x] = m.count;
      shared[kThreads + threadIdx.x] = m.mean;
      shared[2 * kThreads + threadIdx.x] = m.rest;
      shared[3 * kThreads + threadIdx.x] = m.root;
    }
    __syncthreads();
    int other = threadIdx.x + step * t.width;
    if (t.row < step) merge(m, Moments<A>{shared[other], shared[kThreads + other], shared[2 * kThreads + other], shared[3 * kThreads + other]});
  }
}

// partial: [4, chunks, channels] = the moments of the chunks. Deviations are from the thread's first value, so that a large mean costs no
// digits; times a scale where their squares leave the range of float32 or drown below it, and of quarters where the deviations leave it.
template <class T> DEV void batch_statistics(const T* x, acc_t<T>* partial, i64 rows, i64 channels, i64 chunk, int width) {
  typedef acc_t<T> A;
  SMEM(A, shared, [4 * kThreads]);
  Tile t = tile_of(width, channels);
  i64 begin = (i64)blockIdx.x * chunk, end = min(rows, begin + chunk), first = begin + t.row;
  Moments<A> m = {0, 0, 0, 0};
  if (t.wanted && first < end) {
    const T* p = x + t.column;
    A origin = widen(p[first * channels]), sum = 0, squares = 0, scale = 1, unit = 1;
    for (i64 r = first; r < end; r += t.height) {
      A v = (A)widen(p[r * channels]) - origin;
      sum += v;
      squares = fma_of(v, v, squares);
    }
    if (sizeof(A) == 4 && !(squares <= (A)3e38 && squares >= (A)1e-30)) {
      A largest = 0;
      for (i64 r = first; r < end; r += t.height) largest = max_nan(largest, abs_of((A)widen(p[r * channels]) - origin));
      unit = largest <= (A)3e38 ? (A)1 : (A)0.25;
      scale = (A)1 / (largest <= (A)3e38 ? max_nan(largest, (A)1e-37) : (A)1e38);
      sum = squares = 0;
      for (i64 r = first; r < end; r += t.height) {
        A v = ((A)widen(p[r * channels]) * unit - origin * unit) * scale;
        sum += v;
        squares = fma_of(v, v, squares);
      }
    }
    m.count = (A)quotient(end - first + t.height - 1, t.height);
    two_sum(origin * unit, sum / m.count / scale, m.mean, m.rest);
    m.mean /= unit;
    m.rest /= unit;
    m.root = sqrt_of(max_nan(squares - sum * (sum / m.count), (A)0)) / Moments<A>::kUnit / scale / unit;
  }
  merge_rows(t, (A*)shared, m);
  if (t.wanted && t.row == 0) {
    i64 size = (i64)gridDim.x * channels, at = (i64)blockIdx.x * channels + t.column;
    partial[at] = m.count;
    partial[size + at] = m.mean;
    partial[2 * size + at] = m.rest;
    partial[3 * size + at] = m.root;
  }
}

// The biased variance. mean_rest (what A cannot hold of the mean) and deviation (the root of the variance) may be null.
template <class A> DEV void batch_statistics_combine(const A* partial, A* mean, A* variance, A* mean_rest, A* deviation, i64 chunks, i64 channels, int width) {
  SMEM(A, shared, [4 * kThreads]);
  Tile t = tile_of(width, channels);
  i64 size = chunks * channels;
  Moments<A> m = {0, 0, 0, 0};
  if (t.wanted) {
    const A* p = partial + t.row * channels + t.column;
#pragma unroll 1
    for (i64 c = t.row; c < chunks; c += t.height, p += t.height * channels) merge(m, Moments<A>{p[0], p[size], p[2 * size], p[3 * size]});
  }
  merge_rows(t, (A*)shared, m);
  if (t.wanted && t.row == 0) {
    A root = m.root / sqrt_of(m.count) * Moments<A>::kUnit;
    mean[t.column] = m.mean;
    variance[t.column] = root * root;
    if (mean_rest) mean_rest[t.column] = m.rest;
    if (deviation) deviation[t.column] = root;
  }
}

// What a column's values are normalised with: x' = (x - mean) scale + shift, where the shift holds the rest of the mean.
template <class A> struct Column {
  A mean, scale, shift;
  DEV A operator()(A x) const { return standardise(x, mean, scale, shift); }
};

template <class A> DEV Column<A> column_of(const A* mean, const A* variance, const A* mean_rest, const A* deviation, A eps, i64 c) {
  A r = (A)1 / (deviation ? hypot_of(deviation[c], sqrt_of(eps)) : sqrt_of(variance[c] + eps));
  return {mean[c], r, mean_rest ? -mean_rest[c] * r : (A)0};
}

template <class T> DEV void batch_normalise(const T* x, const acc_t<T>* mean, const acc_t<T>* variance, const acc_t<T>* mean_rest, const acc_t<T>* deviation, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, int relu, T* y, i64 rows, i64 channels, int width) {
  typedef acc_t<T> A;
  Tile t = tile_of(width, channels);
  if (!t.wanted) return;
  Column<A> column = column_of(mean, variance, mean_rest, deviation, eps, t.column);
  A g = gamma[t.column], b = beta[t.column];
  for (i64 row = (i64)blockIdx.x * t.height + t.row; row < rows; row += (i64)gridDim.x * t.height) {
    A v = fma_of(column(widen(x[row * channels + t.column])), g, b);
    y[row * channels + t.column] = narrow<T>(relu ? max_nan(v, (A)0) : v);
  }
}

// With x' = (x - mean) / sigma: d beta = sum dy, d gamma = sum dy x'. dy is 0 where the ReLU cut.
template <class T> DEV acc_t<T> gradient_at(acc_t<T> normalised, acc_t<T> dy, acc_t<T> g, acc_t<T> b, int relu) {
  return relu && fma_of(normalised, g, b) <= (acc_t<T>)0 ? (acc_t<T>)0 : dy;
}

// partial: [2, chunks, channels] = d beta and d gamma of the chunks.
template <class T> DEV void batch_norm_gradient(const T* x, const T* dy, const acc_t<T>* mean, const acc_t<T>* variance, const acc_t<T>* mean_rest, const acc_t<T>* deviation, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, int relu, acc_t<T>* partial, i64 rows, i64 channels, i64 chunk, int width) {
  typedef acc_t<T> A;
  SMEM(A, shared, [2 * kThreads]);
  Tile t = tile_of(width, channels);
  A d_beta = 0, d_gamma = 0;
  if (t.wanted) {
    Column<A> column = column_of(mean, variance, mean_rest, deviation, eps, t.column);
    A g = gamma[t.column], b = beta[t.column];
    i64 begin = (i64)blockIdx.x * chunk, end = min(rows, begin + chunk);
    for (i64 row = begin + t.row; row < end; row += t.height) {
      A n = column(widen(x[row * channels + t.column])), d = gradient_at<T>(n, widen(dy[row * channels + t.column]), g, b, relu);
      d_beta += d;
      d_gamma = fma_of(d, n, d_gamma);
    }
  }
  for (int step = t.height / 2; step > 0; step /= 2) {
    __syncthreads();
    if (t.row >= step && t.row < 2 * step) {
      shared[threadIdx.x] = d_beta;
      shared[kThreads + threadIdx.x] = d_gamma;
    }
    __syncthreads();
    int other = threadIdx.x + step * t.width;
    if (t.row < step) {
      d_beta += shared[other];
      d_gamma += shared[kThreads + other];
    }
  }
  if (t.wanted && t.row == 0) {
    i64 at = (i64)blockIdx.x * channels + t.column;
    partial[at] = d_beta;
    partial[(i64)gridDim.x * channels + at] = d_gamma;
  }
}

template <class A> DEV void batch_norm_gradient_combine(const A* partial, A* d_gamma, A* d_beta, i64 chunks, i64 channels) {
  i64 column = thread_index();
  if (column >= channels) return;
  A b = 0, g = 0;
  for (i64 c = 0; c < chunks; c++) {
    b += partial[c * channels + column];
    g += partial[(chunks + c) * channels + column];
  }
  d_beta[column] = b;
  d_gamma[column] = g;
}

// dx = gamma / sigma (dy - mean(dy) - x' mean(dy x')) where the statistics are the batch's own, else gamma / sigma dy. dx may be dy.
template <class T> DEV void batch_norm_backward(const T* x, const T* dy, const acc_t<T>* mean, const acc_t<T>* variance, const acc_t<T>* mean_rest, const acc_t<T>* deviation, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, int relu, int own, const acc_t<T>* d_gamma, const acc_t<T>* d_beta, T* dx, i64 rows, i64 channels, int width) {
  typedef acc_t<T> A;
  Tile t = tile_of(width, channels);
  if (!t.wanted) return;
  Column<A> column = column_of(mean, variance, mean_rest, deviation, eps, t.column);
  A g = gamma[t.column], b = beta[t.column];
  A mean_d = own ? d_beta[t.column] / (A)rows : (A)0, mean_dn = own ? d_gamma[t.column] / (A)rows : (A)0;
  for (i64 row = (i64)blockIdx.x * t.height + t.row; row < rows; row += (i64)gridDim.x * t.height) {
    i64 at = row * channels + t.column;
    A n = column(widen(x[at])), d = gradient_at<T>(n, widen(dy[at]), g, b, relu);
    dx[at] = narrow<T>(g * column.scale * (d - mean_d - n * mean_dn));
  }
}

// running += momentum (batch - running)
template <class A> DEV void track_statistics(const A* mean, const A* variance, A* running_mean, A* running_variance, A momentum, A correction, i64 channels) {
  for (i64 c = thread_index(); c < channels; c += thread_count()) {
    running_mean[c] = fma_of(momentum, mean[c] - running_mean[c], running_mean[c]);
    running_variance[c] = fma_of(momentum, variance[c] * correction - running_variance[c], running_variance[c]);
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) batch_statistics_##S(const T* x, acc_t<T>* partial, i64 rows, i64 channels, i64 chunk, int width) { batch_statistics<T>(x, partial, rows, channels, chunk, width); } \
  KERNEL_EXPORT(batch_statistics_##S) \
  KERNEL(256) batch_normalise_##S(const T* x, const acc_t<T>* mean, const acc_t<T>* variance, const acc_t<T>* mean_rest, const acc_t<T>* deviation, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, int relu, T* y, i64 rows, i64 channels, int width) { \
    batch_normalise<T>(x, mean, variance, mean_rest, deviation, gamma, beta, eps, relu, y, rows, channels, width); } \
  KERNEL_EXPORT(batch_normalise_##S) \
  KERNEL(256) batch_norm_gradient_##S(const T* x, const T* dy, const acc_t<T>* mean, const acc_t<T>* variance, const acc_t<T>* mean_rest, const acc_t<T>* deviation, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, int relu, acc_t<T>* partial, i64 rows, i64 channels, i64 chunk, int width) { \
    batch_norm_gradient<T>(x, dy, mean, variance, mean_rest, deviation, gamma, beta, eps, relu, partial, rows, channels, chunk, width); } \
  KERNEL_EXPORT(batch_norm_gradient_##S) \
  KERNEL(256) batch_norm_backward_##S(const T* x, const T* dy, const acc_t<T>* mean, const acc_t<T>* variance, const acc_t<T>* mean_rest, const acc_t<T>* deviation, const acc_t<T>* gamma, const acc_t<T>* beta, acc_t<T> eps, int relu, int own, const acc_t<T>* d_gamma, const acc_t<T>* d_beta, T* dx, i64 rows, i64 channels, int width) { \
    batch_norm_backward<T>(x, dy, mean, variance, mean_rest, deviation, gamma, beta, eps, relu, own, d_gamma, d_beta, dx, rows, channels, width); } \
  KERNEL_EXPORT(batch_norm_backward_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

#define INSTANTIATE_STATISTICS(A, S) \
  KERNEL(256) batch_statistics_combine_##S(const A* partial, A* mean, A* variance, A* mean_rest, A* deviation, i64 chunks, i64 channels, int width) { batch_statistics_combine<A>(partial, mean, variance, mean_rest, deviation, chunks, channels, width); } \
  KERNEL_EXPORT(batch_statistics_combine_##S) \
  KERNEL(256) batch_norm_gradient_combine_##S(const A* partial, A* d_gamma, A* d_beta, i64 chunks, i64 channels) { batch_norm_gradient_combine<A>(partial, d_gamma, d_beta, chunks, channels); } \
  KERNEL_EXPORT(batch_norm_gradient_combine_##S) \
  KERNEL(256) track_statistics_##S(const A* mean, const A* variance, A* running_mean, A* running_variance, A momentum, A correction, i64 channels) { track_statistics<A>(mean, variance, running_mean, running_variance, momentum, correction, channels); } \
  KERNEL_EXPORT(track_statistics_##S)

INSTANTIATE_STATISTICS(float, f32)
INSTANTIATE_STATISTICS(double, f64)

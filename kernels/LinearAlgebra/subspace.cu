#include "prelude.cuh"

// The products and factors of the subspace iteration, in float64. A block of directions is [d, b] row-major, a direction a column.
// budget: widen_acc64=48 widen=48 subspace_start=48 subspace_multiply=128 subspace_inner=96 subspace_cholesky=64
// budget: subspace_diagonal=32 subspace_solve=64 subspace_residual=48

constexpr int kThreads = 256;

// ---- features for the solvers that read them: y = z in float64, [n, d], or transposed, [d, n]. A block a 32 x 32 tile.
template <class T> DEV void widen_rows(const T* z, double* y, i64 n, i64 d, int transposed) {
  SMEM(double, tile, [32][33]);
  i64 across = (d + 31) / 32, row = blockIdx.x / across * 32, column = blockIdx.x % across * 32;
  int x = threadIdx.x % 32;
  for (int o = threadIdx.x / 32; o < 32; o += 8)
    if (row + o < n && column + x < d) tile[o][x] = widen(z[(row + o) * d + column + x]);
  __syncthreads();
  for (int o = threadIdx.x / 32; o < 32; o += 8) {
    if (transposed) {
      if (column + o < d && row + x < n) y[(column + o) * n + row + x] = tile[x][o];
    } else if (row + o < n && column + x < d) {
      y[(row + o) * d + column + x] = tile[o][x];
    }
  }
}

#define INSTANTIATE(T, name) \
  KERNEL(kThreads) name(const T* z, double* y, i64 n, i64 d, int transposed) { widen_rows<T>(z, y, n, d, transposed); } \
  KERNEL_EXPORT(name)

INSTANTIATE(float, widen_acc64_f32)
INSTANTIATE(bf16, widen_acc64_bf16)
INSTANTIATE(double, widen_f64)

// ---- the diagonal of g [d, d]
KERNEL(kThreads) subspace_diagonal_f64(const double* g, double* diagonal, i64 d) {
  for (i64 i = thread_index(); i < d; i += thread_count()) diagonal[i] = g[i * d + i];
}
KERNEL_EXPORT(subspace_diagonal_f64)

// ---- the start: uniform in [-1, 1) from the SplitMix64 finaliser of a counter, the same numbers as on the CPU
KERNEL(kThreads) subspace_start_f64(double* q, i64 d, int b) {
  for (i64 e = thread_index(); e < d * b; e += thread_count()) {
    i64 i = e / b, j = e - i * b;
    u64 v = (u64)(j * d + i + 1) * 0x9E3779B97F4A7C15ull;
    v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9ull;
    v = (v ^ (v >> 27)) * 0x94D049BB133111EBull;
    q[e] = (double)(i64)(v ^ (v >> 31)) * (1.0 / 9223372036854775808.0);
  }
}
KERNEL_EXPORT(subspace_start_f64)

// ---- y [m, b] = scale g [m, l] x [l, b]: a block 16 x 32 results; four teams of 64 threads share the terms of a slice, eight results a thread
constexpr int kHigh = 16, kWide = 32, kSlice = 64, kTeams = 4;
constexpr int kGLoads = kHigh * kSlice / kThreads, kXLoads = kSlice * kWide / kThreads;

KERNEL(kThreads) subspace_multiply_f64(const double* g, const double* x, double* y, i64 m, i64 l, int b, double scale) {
  SMEM(double, gs, [kHigh][kSlice + 1]);
  SMEM(double, xs, [kSlice][kWide]);
  int t = threadIdx.x, team = t / 64, row = t % 64 / 8 * 2, column = t % 8;
  i64 top = (i64)blockIdx.x * kHigh;
  int left = blockIdx.y * kWide;
  double sum[2][4] = {};
  double gv[kGLoads], xv[kXLoads];
  for (i64 at = -kSlice; at < l; at += kSlice) {
    if (at >= 0) {
#pragma unroll
      for (int q = 0; q < kGLoads; q++) gs[t / kSlice + q * (kThreads / kSlice)][t % kSlice] = gv[q];
#pragma unroll
      for (int q = 0; q < kXLoads; q++) xs[t / kWide + q * (kThreads / kWide)][t % kWide] = xv[q];
      __syncthreads();
    }
    // The next slice comes while this one is multiplied.
    i64 next = at + kSlice;
#pragma unroll
    for (int q = 0; q < kGLoads; q++) {
      i64 r = top + t / kSlice + q * (i64)(kThreads / kSlice), c = next + t % kSlice;
      gv[q] = r < m && c < l ? g[r * l + c] : 0;
    }
#pragma unroll
    for (int q = 0; q < kXLoads; q++) {
      i64 r = next + t / kWide + q * (i64)(kThreads / kWide);
      int c = left + t % kWide;
      xv[q] = r < l && c < b ? x[r * b + c] : 0;
    }
    if (at < 0) continue;
#pragma unroll 4
    for (int k = team * (kSlice / kTeams); k < (team + 1) * (kSlice / kTeams); k++) {
#pragma unroll
      for (int c = 0; c < 4; c++) {
        double v = xs[k][column + 8 * c];
        sum[0][c] += gs[row][k] * v;
        sum[1][c] += gs[row + 1][k] * v;
      }
    }
    __syncthreads();
  }

  // The teams' sums in the order of the teams.
  double* parts = &xs[0][0];
#pragma unroll
  for (int r = 0; r < 2; r++)
#pragma unroll
    for (int c = 0; c < 4; c++) parts[(team * kHigh + row + r) * kWide + column + 8 * c] = sum[r][c];
  __syncthreads();
  for (int e = t; e < kHigh * kWide; e += kThreads) {
    double v = 0;
    for (int s = 0; s < kTeams; s++) v += parts[s * kHigh * kWide + e];
    if (top + e / kWide < m && left + e % kWide < b) y[(top + e / kWide) * b + left + e % kWide] = scale * v;
  }
}
KERNEL_EXPORT(subspace_multiply_f64)

// ---- h [b, b] = x^T y of x, y [d, b]: a block 16 x 16 results; its warps share the terms, eight results a thread
KERNEL(kThreads) subspace_inner_f64(const double* x, const double* y, double* h, i64 d, int b) {
  SMEM(double, parts, [8][16][16]);
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, row = lane / 8 * 4, column = lane % 8;
  int top = blockIdx.x * 16, left = blockIdx.y * 16;
  double sum[4][2] = {};
#pragma unroll 2
  for (i64 i = warp; i < d; i += 8) {
    double p[4], q[2];
#pragma unroll
    for (int r = 0; r < 4; r++) p[r] = top + row + r < b ? x[i * b + top + row + r] : 0;
#pragma unroll
    for (int c = 0; c < 2; c++) q[c] = left + column + 8 * c < b ? y[i * b + (left + column + 8 * c)] : 0;
#pragma unroll
    for (int r = 0; r < 4; r++)
#pragma unroll
      for (int c = 0; c < 2; c++) sum[r][c] += p[r] * q[c];
  }
#pragma unroll
  for (int r = 0; r < 4; r++)
#pragma unroll
    for (int c = 0; c < 2; c++) parts[warp][row + r][column + 8 * c] = sum[r][c];
  __syncthreads();
  int r = threadIdx.x / 16, c = threadIdx.x % 16;
  double v = 0;
#pragma unroll
  for (int w = 0; w < 8; w++) v += parts[w][r][c];
  if (top + r < b && left + c < b) h[(i64)(top + r) * b + left + c] = v;
}
KERNEL_EXPORT(subspace_inner_f64)

// ---- one block: h [b, b] becomes R with h = R^T R, zero below the diagonal. A column that lies in the span of those before it but for
// rounding (its pivot is at most 'tolerance' of what it began with) ends this: *info = that column + 1, once, and R = I.
constexpr int kFits = 64, kMost = 1536;

KERNEL(kThreads) subspace_cholesky_f64(double* h, int b, double tolerance, int* info) {
  SMEM(double, tile, [kFits * (kFits + 1)]);
  SMEM(double, first, [kMost]);
  bool fits = b <= kFits;
  double* a = fits ? tile : h;
  i64 ld = fits ? kFits + 1 : b;
  int t = threadIdx.x, count = b * b;
  if (fits)
    for (int e = t; e < count; e += kThreads) a[e / b * ld + e % b] = h[e];
  for (int j = t; j < b; j += kThreads) first[j] = h[(i64)j * b + j];
  __syncthreads();
  // Rows stay unscaled until the end (L D L^T), so that a column needs one barrier.
  int failed = 0;
  for (int j = 0; j < b; j++) {
    double pivot = a[j * ld + j];
    if (!(pivot > tolerance * first[j])) {
      failed = j + 1;
      break;
    }
    double inverse = 1 / pivot;
    int rest = b - j - 1;
    for (int e = t; e < rest * rest; e += kThreads) {
      int r = j + 1 + e / rest, c = j + 1 + e % rest;
      if (r <= c) a[r * ld + c] -= a[j * ld + r] * a[j * ld + c] * inverse;
    }
    __syncthreads();
  }
  __syncthreads();
  for (int e = t; e < count; e += kThreads) {
    int r = e / b, c = e - r * b;
    if (failed)
      h[e] = r == c;
    else if (r != c)
      h[e] = r < c ? a[r * ld + c] / sqrt(a[r * ld + r]) : 0;
  }
  __syncthreads();
  if (!failed)
    for (int r = t; r < b; r += kThreads) h[(i64)r * b + r] = sqrt(a[r * ld + r]);
  if (failed && t == 0 && *info == 0) *info = failed;
}
KERNEL_EXPORT(subspace_cholesky_f64)

// ---- q [d, b] becomes q R^-1, a row of q eight lanes
KERNEL(kThreads) subspace_solve_f64(const double* r, double* q, i64 d, int b) {
  SMEM_DYN(double, rows);
  int lane = threadIdx.x & 7;
  i64 row = (i64)blockIdx.x * (blockDim.x / 8) + threadIdx.x / 8;
  bool real = row < d;
  double* x = rows + (i64)(threadIdx.x / 8) * b;
  for (int c = lane; c < b; c += 8) x[c] = real ? q[row * b + c] : 0;
  __syncwarp();
  for (int j = 0; j < b; j++) {
    const double* rj = r + (i64)j * b;
    double v = x[j] / rj[j];
    if (real && lane == (j & 7)) q[row * b + j] = v;
    // Every lane subtracts from its own columns, those at its number and every eighth from there.
    for (int c = j + 1 + ((lane - j - 1) & 7); c < b; c += 8) x[c] -= v * rj[c];
    __syncwarp();
  }
}
KERNEL_EXPORT(subspace_solve_f64)

// ---- squares [b]: |gx - values x|^2 of each column of x, gx [d, b]: a block 32 columns
KERNEL(kThreads) subspace_residual_f64(const double* x, const double* gx, const double* values, double* squares, i64 d, int b) {
  SMEM(double, parts, [8][32]);
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, column = blockIdx.x * 32 + lane;
  double sum = 0;
  if (column < b)
    for (i64 i = warp; i < d; i += 8) {
      double v = gx[i * b + column] - values[column] * x[i * b + column];
      sum += v * v;
    }
  parts[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < b) {
    for (int w = 1; w < 8; w++) sum += parts[w][lane];
    squares[column] = sum;
  }
}
KERNEL_EXPORT(subspace_residual_f64)

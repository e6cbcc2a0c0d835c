#include "prelude.cuh"

// G += ZᵀZ in float64. A block sums a 64 x 64 tile of the upper triangle over one segment of the rows; a second launch adds the
// segments in their order to G and mirrors it. Segments follow from the sizes alone, so the bits do too.
// budget: gram_chunked_acc64=128 gram_acc64=136 gram=136 gram_fold=40

constexpr int kTile = 64, kDepth = 16, kThreads = 256, kOwn = 4;
constexpr int kLoads = kTile * kDepth / kThreads;

// Rows whose products are summed in float32 before they go into the float64 sums: more would cost digits.
constexpr int kChunk = 256;

// The upper triangle's tiles, row after row: tile = (i, j), i <= j.
DEV void triangle(int panels, int tile, int* i, int* j) {
  int row = 0;
  for (; tile >= panels - row; row++) tile -= panels - row;
  *i = row;
  *j = row + tile;
}

// 'depth' rows of 64 columns from 'column' on, zeros beyond the edge.
template <class T> DEV void load(const T* z, i64 row, i64 end, i64 d, i64 column, acc_t<T> v[kLoads]) {
  i64 c = column + threadIdx.x % kTile;
#pragma unroll
  for (int q = 0; q < kLoads; q++) {
    i64 r = row + threadIdx.x / kTile + q * (i64)(kThreads / kTile);
    v[q] = r < end && c < d ? widen(z[r * d + c]) : (acc_t<T>)0;
  }
}

template <class P, class A> DEV void store(P (*panel)[kTile], const A v[kLoads]) {
#pragma unroll
  for (int q = 0; q < kLoads; q++) panel[threadIdx.x / kTile + q * (kThreads / kTile)][threadIdx.x % kTile] = (P)v[q];
}

// Every feature passes the diagonal tiles once: there the first one that is not finite is found.
template <class A> DEV void check(const A v[kLoads], i64 row, i64 end, i64 d, i64 column, i64 first, u64* bad) {
  i64 c = column + threadIdx.x % kTile;
#pragma unroll
  for (int q = 0; q < kLoads; q++) {
    i64 r = row + threadIdx.x / kTile + q * (i64)(kThreads / kTile);
    if (v[q] - v[q] != (A)0 && r < end) atomicMin(bad, (u64)((first + r) * d + c));
  }
}

// z: [n, d]; partial: [segments, d, d], of which the upper triangle is written; P is the type of the products.
// first: the number of z's first row to the caller. bad: the least index, by that, of a value that is not finite, if less than what it
// holds.
template <class T, class P> DEV void gram(const T* z, i64 n, i64 d, i64 segment_rows, double* partial, i64 first, u64* bad) {
  SMEM(P, left, [2][kDepth][kTile]);
  SMEM(P, right, [2][kDepth][kTile]);
  int i, j;
  triangle((int)((d + kTile - 1) / kTile), blockIdx.x, &i, &j);
  i64 row = blockIdx.y * segment_rows, end = min(n, row + segment_rows);
  i64 ci = (i64)i * kTile, cj = (i64)j * kTile;
  int x = threadIdx.x % 16, y = threadIdx.x / 16;

  P acc[kOwn][kOwn] = {};
  double sum[kOwn][kOwn] = {};
  acc_t<T> a[kLoads], b[kLoads];
  load(z, row, end, d, ci, a);
  load(z, row, end, d, cj, b);
  for (int step = 0; row < end; step++, row += kDepth) {
    int at = step & 1;
    store(left[at], a);
    store(right[at], b);
    if (i == j) check(a, row, end, d, ci, first, bad);
    __syncthreads();
    load(z, row + kDepth, end, d, ci, a);
    load(z, row + kDepth, end, d, cj, b);
#pragma unroll
    for (int k = 0; k < kDepth; k++) {
      P p[kOwn], q[kOwn];
#pragma unroll
      for (int o = 0; o < kOwn; o++) {
        p[o] = left[at][k][y + 16 * o];
        q[o] = right[at][k][x + 16 * o];
      }
#pragma unroll
      for (int o = 0; o < kOwn; o++)
#pragma unroll
        for (int c = 0; c < kOwn; c++) acc[o][c] += p[o] * q[c];
    }
    if (sizeof(P) < sizeof(double) && (step + 1) % (kChunk / kDepth) == 0) {
#pragma unroll
      for (int o = 0; o < kOwn; o++)
#pragma unroll
        for (int c = 0; c < kOwn; c++) {
          sum[o][c] += acc[o][c];
          acc[o][c] = 0;
        }
    }
  }
#pragma unroll
  for (int o = 0; o < kOwn; o++)
#pragma unroll
    for (int c = 0; c < kOwn; c++) {
      i64 r = ci + (y + 16 * o), s = cj + (x + 16 * c);
      if (r < d && s < d) partial[(blockIdx.y * d + r) * d + s] = sizeof(P) < sizeof(double) ? sum[o][c] + acc[o][c] : acc[o][c];
    }
}

#define INSTANTIATE(T, P, name) \
  KERNEL(kThreads) name(const T* z, i64 n, i64 d, i64 segment_rows, double* partial, i64 first, u64* bad) { \
    gram<T, P>(z, n, d, segment_rows, partial, first, bad); } \
  KERNEL_EXPORT(name)

INSTANTIATE(float, float, gram_chunked_acc64_f32)
INSTANTIATE(bf16, float, gram_chunked_acc64_bf16)
INSTANTIATE(float, double, gram_acc64_f32)
INSTANTIATE(bf16, double, gram_acc64_bf16)
INSTANTIATE(double, double, gram_f64)

// gram: [d, d] symmetric. A block owns a 32 x 32 tile of the upper triangle and its mirror image.
KERNEL(kThreads) gram_fold_f64(const double* partial, int segments, double* gram, i64 d) {
  SMEM(double, tile, [32][33]);
  int i, j;
  triangle((int)((d + 31) / 32), blockIdx.x, &i, &j);
  int x = threadIdx.x % 32, y = threadIdx.x / 32;
  i64 row = 32ll * i, column = 32ll * j;
#pragma unroll
  for (int o = 0; o < 32; o += 8) {
    i64 r = row + y + o, c = column + x;
    if (r > c || c >= d) continue;
    double v = gram[r * d + c];
    for (int s = 0; s < segments; s++) v += partial[(s * d + r) * d + c];
    gram[r * d + c] = v;
    tile[y + o][x] = v;
  }
  __syncthreads();
#pragma unroll
  for (int o = 0; o < 32; o += 8) {
    i64 r = row + x, c = column + y + o;
    if (r < c && c < d) gram[c * d + r] = tile[x][y + o];
  }
}
KERNEL_EXPORT(gram_fold_f64)

// c[b] = alpha op(a[b]) op(b[b]) + beta c[b], row-major, with a bias for each column and a rectifier behind it where asked for.
//
// budget: gemm_nn_128=128 gemm_nt_128=128 gemm_tn_128=128 gemm_tt_128=128
// budget: gemm_nn_64=80 gemm_nt_64=80 gemm_tn_64=80 gemm_tt_64=80
// budget: gemm_nn_64_f64=96 gemm_nt_64_f64=104 gemm_tn_64_f64=96 gemm_tt_64_f64=96 gemm_sum_splits=48
//
// Seen in the machine code of NVRTC 12.4 for sm_80 (no GPU was at hand: nothing here is timed, no tile was tuned). Of the inner loop's
// instructions FFMA are 90 % in gemm_nt_128_f32 (256 beside 16 LDS.128), 87 % in nn, 90 % in tn, 88 % in tt, and 70 to 79 % with tiles of
// 64 x 64. A multiprocessor holds two blocks of 128 x 128 (registers), that is 16 warps of 64 independent sums a thread, and three of
// 64 x 64.
#include "tile.cuh"

// The same bytes as GemmTask of the launcher.
struct GemmTask {
  const void* a;
  const void* b;
  void* c;
  const void* bias;  // [n] or null
  void* partials;    // [splits, batch, m, n] where k is split
  i64 lda, ldb, ldc;
  i64 outer_a, outer_b, outer_c, inner_a, inner_b, inner_c;  // from one matrix of the batch to the next; batch = outer x inner
  i64 m;
  int n, k, batch, inner, splits, split_depth, relu;
};

// A result's last steps.
template <class T> DEV acc_t<T> finished(const GemmTask& g, acc_t<T> alpha, acc_t<T> beta, acc_t<T> v, const T* at, int column) {
  v *= alpha;
  if (beta != 0) v += beta * widen(*at);
  if (g.bias) v += static_cast<const acc_t<T>*>(g.bias)[column];
  return g.relu && v < 0 ? 0 : v;
}

// Blocks: columns of tiles fastest (they share rows of a), then rows, then pieces of k, then the batch.
template <class T, int TM, int TN, bool DeepA, bool DeepB> DEV void gemm(const GemmTask& g, acc_t<T> alpha, acc_t<T> beta) {
  typedef MatrixSource<T, TM, DeepA> SourceA;
  typedef MatrixSource<T, TN, DeepB> SourceB;
  typedef typename SourceA::S A;
  typedef typename SourceB::S B;
  u32 columns = (u32)((g.n - 1) / B::kSide + 1), rows = (u32)((g.m - 1) / A::kSide + 1);
  u32 id = blockIdx.x;
  int n0 = (int)(id % columns) * B::kSide;
  id /= columns;
  i64 m0 = (i64)(id % rows) * A::kSide;
  id /= rows;
  int split = (int)(id % g.splits), batch = (int)(id / g.splits);
  int k0 = split * g.split_depth, depth = min(g.k - k0, g.split_depth);
  const T* a = static_cast<const T*>(g.a) + batch / g.inner * g.outer_a + batch % g.inner * g.inner_a;
  const T* b = static_cast<const T*>(g.b) + batch / g.inner * g.outer_b + batch % g.inner * g.inner_b;
  SourceA from_a(DeepA ? a + m0 * g.lda + k0 : a + k0 * g.lda + m0, g.lda, DeepA ? g.m - m0 : depth, DeepA ? depth : g.m - m0);
  SourceB from_b(DeepB ? b + n0 * g.ldb + k0 : b + k0 * g.ldb + n0, g.ldb, DeepB ? g.n - n0 : depth, DeepB ? depth : g.n - n0);
  acc_t<T> sum[TM][TN] = {};
  accumulate<T>((depth + A::kDepth - 1) / A::kDepth, from_a, from_b, sum);
  if (g.splits > 1) {
    acc_t<T>* partials = static_cast<acc_t<T>*>(g.partials) + ((i64)split * g.batch + batch) * g.m * g.n;
    write<acc_t<T>, A, B>(
        sum, n0, g.n, [&](int i) { return m0 + i < g.m ? partials + (m0 + i) * g.n : nullptr; },
        [](acc_t<T> v, const acc_t<T>*, int) { return v; });
    return;
  }
  T* c = static_cast<T*>(g.c) + batch / g.inner * g.outer_c + batch % g.inner * g.inner_c;
  write<T, A, B>(
      sum, n0, g.n, [&](int i) { return m0 + i < g.m ? c + (m0 + i) * g.ldc : nullptr; },
      [&](acc_t<T> v, const T* at, int column) { return finished(g, alpha, beta, v, at, column); });
}

#define GEMM(layout, deep_a, deep_b, side, count, blocks, T, suffix) \
  PRODUCT_KERNEL(blocks) gemm_##layout##_##side##suffix(GemmTask g, acc_t<T> alpha, acc_t<T> beta) { \
    gemm<T, count, count, deep_a, deep_b>(g, alpha, beta); \
  } \
  KERNEL_EXPORT(gemm_##layout##_##side##suffix)

#define GEMM_LAYOUTS(side, count, blocks, T, suffix) \
  GEMM(nn, true, false, side, count, blocks, T, suffix) \
  GEMM(nt, true, true, side, count, blocks, T, suffix) \
  GEMM(tn, false, false, side, count, blocks, T, suffix) \
  GEMM(tt, false, true, side, count, blocks, T, suffix)

GEMM_LAYOUTS(128, 8, 2, float, _f32)
GEMM_LAYOUTS(64, 4, 3, float, _f32)
GEMM_LAYOUTS(64, 4, 3, bf16, _bf16)
GEMM_LAYOUTS(64, 4, 2, double, _f64)

// The second half of a split product: a thread adds up the pieces of one value, in their order.
template <class T> DEV void sum_splits(const GemmTask& g, acc_t<T> alpha, acc_t<T> beta) {
  i64 size = g.m * g.n, count = size * g.batch;
  const acc_t<T>* partials = static_cast<const acc_t<T>*>(g.partials);
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    acc_t<T> sum = 0;
    for (int split = 0; split < g.splits; split++) sum += partials[split * count + i];
    int batch = (int)(i / size), column = (int)(i % g.n);
    T* at = static_cast<T*>(g.c) + batch / g.inner * g.outer_c + batch % g.inner * g.inner_c + i % size / g.n * g.ldc + column;
    *at = narrow<T>(finished(g, alpha, beta, sum, at, column));
  }
}

#define GEMM_SUM_SPLITS(T, suffix) \
  KERNEL(256) gemm_sum_splits##suffix(GemmTask g, acc_t<T> alpha, acc_t<T> beta) { sum_splits<T>(g, alpha, beta); } \
  KERNEL_EXPORT(gemm_sum_splits##suffix)

GEMM_SUM_SPLITS(float, _f32)
GEMM_SUM_SPLITS(bf16, _bf16)
GEMM_SUM_SPLITS(double, _f64)

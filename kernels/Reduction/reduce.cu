#include "prelude.cuh"

// Folds of one dimension: y[o, i] of x[o, :, i]. A long dimension is folded in chunks first, whose number follows from the sizes
// alone; the chunks' results are float32 or wider and folded by a second launch of the same kernel.
// budget: reduce_rows=40 reduce_columns=40 argmax=48 scatter_axis=32

enum ReduceOp { kSum, kMean, kMax };

template <class A> DEV A fold(int op, A a, A b) { return op == kMax ? max_nan(a, b) : a + b; }
template <class A> DEV A start(int op) { return op == kMax ? -infinity<A>() : (A)0; }

// x: [rows, extent]; y: [rows, chunks], chunk j of the values from j chunk on. 'threads' (32 or the block) work on a chunk.
template <class In, class Out> DEV void reduce_rows(int op, const In* x, Out* y, i64 rows, i64 extent, i64 chunk, i64 chunks, acc_t<In> divisor, int threads) {
  typedef acc_t<In> A;
  SMEM(A, scratch, [32]);
  int group = threadIdx.x / threads, t = threadIdx.x % threads, groups = blockDim.x / threads;
  for (i64 first = (i64)blockIdx.x * groups; first < rows * chunks; first += (i64)gridDim.x * groups) {
    i64 at = first + group;
    bool wanted = at < rows * chunks;
    i64 row = quotient(at, chunks), begin = (at - row * chunks) * chunk, end = min(extent, begin + chunk);
    A v = start<A>(op);
    if (wanted)
      for (i64 i = begin + t; i < end; i += threads) v = fold(op, v, (A)widen(x[row * extent + i]));
    if (threads == 32)
      v = op == kMax ? warp_max(v) : warp_sum(v);
    else
      v = op == kMax ? block_max(v, scratch) : block_sum(v, scratch);
    if (wanted && t == 0) y[at] = narrow<Out>(v / divisor);
  }
}

// x: [outer, extent, inner]; y: [outer, chunks, inner]: a thread a result, so that neighbours read neighbours.
template <class In, class Out> DEV void reduce_columns(int op, const In* x, Out* y, i64 outer, i64 extent, i64 inner, i64 chunk, i64 chunks, acc_t<In> divisor) {
  typedef acc_t<In> A;
  i64 count = outer * chunks * inner;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    i64 line = quotient(i, inner), column = i - line * inner, o = quotient(line, chunks), begin = (line - o * chunks) * chunk, end = min(extent, begin + chunk);
    const In* p = x + (o * extent + begin) * inner + column;
    A v = start<A>(op);
    for (i64 e = begin; e < end; e++, p += inner) v = fold(op, v, (A)widen(*p));
    y[i] = narrow<Out>(v / divisor);
  }
}

#define INSTANTIATE(In, Out, S) \
  KERNEL(256) reduce_rows_##S(int op, const In* x, Out* y, i64 rows, i64 extent, i64 chunk, i64 chunks, acc_t<In> divisor, int threads) { \
    reduce_rows<In, Out>(op, x, y, rows, extent, chunk, chunks, divisor, threads); } \
  KERNEL_EXPORT(reduce_rows_##S) \
  KERNEL(256) reduce_columns_##S(int op, const In* x, Out* y, i64 outer, i64 extent, i64 inner, i64 chunk, i64 chunks, acc_t<In> divisor) { \
    reduce_columns<In, Out>(op, x, y, outer, extent, inner, chunk, chunks, divisor); } \
  KERNEL_EXPORT(reduce_columns_##S)

INSTANTIATE(float, float, f32)
INSTANTIATE(double, double, f64)
INSTANTIATE(bf16, bf16, bf16)
// The first and the last launch of a fold in chunks.
INSTANTIATE(bf16, float, bf16_f32)
INSTANTIATE(float, bf16, f32_bf16)

// A warp a result: the first of equals, the first NaN if there is one.
template <class T> DEV void argmax(const T* x, int* index, i64 outer, i64 extent, i64 inner) {
  typedef acc_t<T> A;
  int lane = threadIdx.x & 31;
  i64 warps = thread_count() / 32;
  for (i64 at = thread_index() / 32; at < outer * inner; at += warps) {
    i64 o = quotient(at, inner), column = at - o * inner;
    const T* p = x + o * extent * inner + column;
    A best = -infinity<A>();
    i64 where = extent;
    for (i64 e = lane; e < extent; e += 32) {
      A v = widen(p[e * inner]);
      if (where == extent || v > best || (v != v && best == best)) { best = v; where = e; }
    }
#pragma unroll
    for (int s = 16; s > 0; s >>= 1) {
      A v = __shfl_xor_sync(kAllLanes, best, s);
      i64 e = __shfl_xor_sync(kAllLanes, where, s);
      bool equal = v == best || (v != v && best != best);
      bool better = equal ? e < where : v != v || (best == best && v > best);
      if (e < extent && (where == extent || better)) { best = v; where = e; }
    }
    if (lane == 0) index[at] = (int)where;
  }
}

// dx = 0, except dx[o, index[o, i], i] = dy[o, i]
template <class T> DEV void scatter_axis(const T* dy, const int* index, T* dx, i64 outer, i64 extent, i64 inner) {
  for (i64 i = thread_index(); i < outer * inner; i += thread_count()) {
    i64 o = quotient(i, inner);
    T* to = dx + o * extent * inner + (i - o * inner);
    int where = index[i];
    for (i64 e = 0; e < extent; e++) to[e * inner] = e == where ? dy[i] : narrow<T>((acc_t<T>)0);
  }
}

#define INSTANTIATE_INDEX(T, S) \
  KERNEL(256) argmax_##S(const T* x, int* index, i64 outer, i64 extent, i64 inner) { argmax<T>(x, index, outer, extent, inner); } \
  KERNEL_EXPORT(argmax_##S) \
  KERNEL(256) scatter_axis_##S(const T* dy, const int* index, T* dx, i64 outer, i64 extent, i64 inner) { scatter_axis<T>(dy, index, dx, outer, extent, inner); } \
  KERNEL_EXPORT(scatter_axis_##S)

INSTANTIATE_INDEX(float, f32)
INSTANTIATE_INDEX(bf16, bf16)
INSTANTIATE_INDEX(double, f64)

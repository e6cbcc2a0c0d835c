// What matrix products and convolutions are made of: 256 threads, 16 x 16 of them, multiply two tiles in shared memory while the next
// two are on their way. A thread owns TM x TN sums; each is one chain of fused multiply-adds along k from 0, so that a result's bits
// depend neither on the tile's size nor on its place.
#pragma once
#include "prelude.cuh"

constexpr int kThreads = 256;
#define PRODUCT_KERNEL(blocks) extern "C" __global__ void __launch_bounds__(256, blocks)

DEV float multiply_add(float a, float b, float c) { return fmaf(a, b, c); }
DEV double multiply_add(double a, double b, double c) { return fma(a, b, c); }

// A thread's place among the 16 x 16. A warp is 4 x 8, which reads the least of shared memory.
DEV int thread_row() { return (threadIdx.x >> 6) * 4 + ((threadIdx.x >> 3) & 3); }
DEV int thread_column() { return ((threadIdx.x >> 5) & 1) * 8 + (threadIdx.x & 7); }

// One operand's part of a step: 16 Count places along the result, 64 bytes along k. It keeps the order of global memory, so that 16 bytes
// can travel at once: Deep has a line for each place (k runs along it), else a line for each k. Threads share it out by chunks of 16 bytes.
template <class A, int Count, bool Deep> struct Tile {
  static constexpr int kChunk = 16 / sizeof(A), kDepth = 4 * kChunk, kSide = 16 * Count;
  static constexpr bool kDeep = Deep;
  static constexpr int kLines = Deep ? kSide : kDepth, kLength = Deep ? kDepth : kSide;
  // A deep line has a chunk to spare: 8 neighbours then start in 8 different groups of banks.
  static constexpr int kPitch = kLength + (Deep ? kChunk : 0), kSize = kLines * kPitch;
  static constexpr int kChunks = kLength / kChunk, kSlots = kChunks <= 4 ? 4 : kChunks <= 16 ? 16 : 32;
  static constexpr int kStride = kThreads / kSlots, kPasses = (kLines + kStride - 1) / kStride;
  // How many neighbouring places a thread owns: what it reads at once where the tile is not deep.
  static constexpr int kGroup = Deep ? 1 : Count % kChunk == 0 ? kChunk : Count % 2 == 0 ? 2 : 1;

  // This thread's chunk in each pass: where in a line (the same for all passes), and in which line.
  DEV static int position() { return (int)(threadIdx.x % kSlots) * kChunk; }
  DEV static int line(int pass) { return (int)(threadIdx.x / kSlots) + pass * kStride; }
  DEV static bool owns(int pass) { return (kChunks == kSlots || position() < kLength) && (kLines % kStride == 0 || line(pass) < kLines); }
  DEV static A* slot(A* tile, int pass) { return tile + line(pass) * kPitch + position(); }

  // The i-th place of the thread that stands 'at' of 16.
  DEV static int place(int at, int i) { return at * kGroup + (i / kGroup) * 16 * kGroup + i % kGroup; }

  // Where that thread begins to read, and how far it is from there to its i-th place and to the e-th value along k.
  DEV static int start(int at) { return at * kGroup * (Deep ? kPitch : 1); }
  DEV static constexpr int offset(int i, int e) { return Deep ? i * 16 * kPitch + e : e * kPitch + (i / kGroup) * 16 * kGroup; }

  // N values along k of one place.
  template <int N> DEV static Pack<A, N> along(const A* from, int i) { return *reinterpret_cast<const Pack<A, N>*>(from + offset(i, 0)); }

  // The e-th value along k of all places.
  DEV static void across(const A* from, int e, A (&values)[Count]) {
#pragma unroll
    for (int i = 0; i < Count; i += kGroup) {
      auto v = *reinterpret_cast<const Pack<A, kGroup>*>(from + offset(i, e));
#pragma unroll
      for (int g = 0; g < kGroup; g++) values[i + g] = v.at[g];
    }
  }
};

// The way of a thread's chunks from global to shared memory. float and double travel by themselves while the products run; bf16 waits in
// registers and is widened when it lands. What is not valid becomes 0 and is not read; its address must be aligned all the same.
template <class T, class S> struct Transit {
  typedef acc_t<T> A;
  DEV void chunk(int, A* to, const T* from, bool valid) { cp_async16(to, from, valid ? 16 : 0); }
  DEV void value(int, int e, A* to, const T* from, bool valid) {
#pragma unroll
    for (int word = 0; word < (int)sizeof(T) / 4; word++)
      cp_async4(reinterpret_cast<u32*>(to + e) + word, reinterpret_cast<const u32*>(from) + word, valid ? 4 : 0);
  }
  DEV void land(A*) {
    cp_async_commit();
    cp_async_wait<0>();
  }
};

template <class S> struct Transit<bf16, S> {
  u64 held[S::kPasses];
  DEV void chunk(int pass, float*, const bf16* from, bool valid) { held[pass] = valid ? *reinterpret_cast<const u64*>(from) : 0; }
  // The first value of a chunk comes first.
  DEV void value(int pass, int e, float*, const bf16* from, bool valid) {
    u64 bits = valid ? (u64)from->bits << (16 * e) : 0;
    held[pass] = e == 0 ? bits : held[pass] | bits;
  }
  DEV void land(float* tile) {
#pragma unroll
    for (int pass = 0; pass < S::kPasses; pass++) {
      if (!S::owns(pass)) continue;
      Pack<float, 4> wide;
#pragma unroll
      for (int e = 0; e < 4; e++) wide.at[e] = widen(bf16{(unsigned short)(held[pass] >> (16 * e))});
      *reinterpret_cast<Pack<float, 4>*>(S::slot(tile, pass)) = wide;
    }
  }
};

template <class T, class S> DEV bool chunk_aligned(const T* p, i64 pitch) {
  return ((u64)p & (S::kChunk * sizeof(T) - 1)) == 0 && pitch % S::kChunk == 0;
}

// An operand that is a matrix: 'lines' lines of 'length' values, 'pitch' apart, counted from where this block begins. Along k the launcher
// allows kMost values, so that what lies beyond is of other blocks.
template <class T, int Count, bool Deep> struct MatrixSource {
  typedef Tile<acc_t<T>, Count, Deep> S;
  const T* from;      // the thread's chunk in its first line
  i64 pitch;
  int lines, length;  // what remains from there on
  bool wide;
  Transit<T, S> transit;

  DEV MatrixSource(const T* origin, i64 line_pitch, i64 line_count, i64 line_length)
      : from(origin + S::line(0) * line_pitch + S::position()), pitch(line_pitch), lines((int)min(line_count, (i64)kMost) - S::line(0)),
        length((int)min(line_length, (i64)kMost) - S::position()), wide(chunk_aligned<T, S>(origin, line_pitch)) {}

  DEV void fetch(acc_t<T>* tile) {
#pragma unroll
    for (int pass = 0; pass < S::kPasses; pass++) {
      if (!S::owns(pass)) continue;
      int left = lines > pass * S::kStride ? length : 0;
      const T* at = from + pass * S::kStride * pitch;
      if (wide && (left <= 0 || left >= S::kChunk)) {
        transit.chunk(pass, S::slot(tile, pass), at, left > 0);
      } else {
#pragma unroll 1
        for (int e = 0; e < S::kChunk; e++) transit.value(pass, e, S::slot(tile, pass), at + e, e < left);
      }
    }
  }

  DEV void advance() {
    from += Deep ? (i64)S::kDepth : S::kDepth * pitch;
    (Deep ? length : lines) -= S::kDepth;
  }

  static constexpr int kMost = 0x40000000;
};

// How far along k one reading goes: 16 bytes, or 8 where the registers do not hold so much of both operands.
template <class T, class A, class B> constexpr int kBite = A::kDeep && B::kDeep && sizeof(T) > 2 ? A::kChunk : A::kChunk / 2;

// sum += N values along k of the product of two tiles, read in the order that keeps the fewest of them in registers.
template <int N, class V, class A, class B, int TM, int TN> DEV void multiply(const V* a, const V* b, V (&sum)[TM][TN]) {
  V vb[N][TN];
  if constexpr (B::kDeep) {
#pragma unroll
    for (int j = 0; j < TN; j++) {
      auto v = B::template along<N>(b, j);
#pragma unroll
      for (int e = 0; e < N; e++) vb[e][j] = v.at[e];
    }
  } else if constexpr (A::kDeep) {
#pragma unroll
    for (int e = 0; e < N; e++) B::across(b, e, vb[e]);
  }
  if constexpr (A::kDeep) {
#pragma unroll
    for (int i = 0; i < TM; i++) {
      auto va = A::template along<N>(a, i);
#pragma unroll
      for (int e = 0; e < N; e++) {
#pragma unroll
        for (int j = 0; j < TN; j++) sum[i][j] = multiply_add(va.at[e], vb[e][j], sum[i][j]);
      }
    }
  } else {
#pragma unroll
    for (int e = 0; e < N; e++) {
      V va[TM];
      A::across(a, e, va);
      if constexpr (!B::kDeep) B::across(b, e, vb[e]);
#pragma unroll
      for (int i = 0; i < TM; i++) {
#pragma unroll
        for (int j = 0; j < TN; j++) sum[i][j] = multiply_add(va[i], vb[e][j], sum[i][j]);
      }
    }
  }
}

// sum += the product of 'steps' tiles of both operands, which stand at their first step.
template <class T, int TM, int TN, class A, class B> DEV void accumulate(int steps, A& a, B& b, acc_t<T> (&sum)[TM][TN]) {
  typedef acc_t<T> V;
  constexpr int kDepth = A::S::kDepth, kStep = kBite<T, typename A::S, typename B::S>, kSizeA = A::S::kSize, kSizeB = B::S::kSize;
  constexpr int kAlongA = A::S::offset(0, 1), kAlongB = B::S::offset(0, 1);
  SMEM(V, tile_a, [2][kSizeA]);
  SMEM(V, tile_b, [2][kSizeB]);
  if (steps == 0) return;
  a.fetch(tile_a[0]);
  b.fetch(tile_b[0]);
  a.transit.land(tile_a[0]);
  b.transit.land(tile_b[0]);
  __syncthreads();
  for (int step = 0; step < steps; step++) {
    const V* now_a = tile_a[step & 1] + A::S::start(thread_row());
    const V* now_b = tile_b[step & 1] + B::S::start(thread_column());
    bool more = step + 1 < steps;
    // The other half is free: everyone has passed the barrier behind its last use.
    if (more) {
      a.advance();
      b.advance();
      a.fetch(tile_a[~step & 1]);
      b.fetch(tile_b[~step & 1]);
    }
#pragma unroll 1
    for (int k = 0; k < kDepth; k += kStep)
      multiply<kStep, V, typename A::S, typename B::S>(now_a + k * kAlongA, now_b + k * kAlongB, sum);
    if (more) {
      a.transit.land(tile_a[~step & 1]);
      b.transit.land(tile_b[~step & 1]);
    }
    __syncthreads();
  }
}

// Writes finish(sum, where, column) of a block's sums. row_at(i) is where place i of the rows begins, or null where there is no such row;
// columns begin at 'column0', and the matrix has n of them.
template <class T, class A, class B, int TM, int TN, class RowAt, class Finish>
DEV void write(const acc_t<T> (&sum)[TM][TN], int column0, int n, RowAt row_at, Finish finish) {
  constexpr int N = B::kGroup;
#pragma unroll
  for (int i = 0; i < TM; i++) {
    T* row = row_at(A::place(thread_row(), i));
    if (!row) continue;
#pragma unroll
    for (int j = 0; j < TN; j += N) {
      int column = column0 + B::place(thread_column(), j);
      T* at = row + column;
      Pack<T, N> packed;
#pragma unroll
      for (int e = 0; e < N; e++) {
        if (column + e < n) packed.at[e] = narrow<T>(finish(sum[i][j + e], at + e, column + e));
      }
      if (N > 1 && column + N <= n && ((u64)at & (N * sizeof(T) - 1)) == 0) {
        *reinterpret_cast<Pack<T, N>*>(at) = packed;
      } else {
#pragma unroll
        for (int e = 0; e < N; e++) {
          if (column + e < n) at[e] = packed.at[e];
        }
      }
    }
  }
}

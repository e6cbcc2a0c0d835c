// The gradients of a convolution for its images and for its weights.
//
// budget: conv_data_gradient_128x128=128 conv_data_gradient_128x96=128 conv_data_gradient_128x64=112 conv_data_gradient_128x48=112
// budget: conv_data_gradient_64x64=80 conv_data_gradient_64x64_f64=104
// budget: conv_weight_gradient_128x128=128 conv_weight_gradient_96x128=128 conv_weight_gradient_64x64=80 conv_weight_gradient_64x64_f64=104
// budget: conv_sum_splits=48
//
// Seen in the machine code of NVRTC 12.4 for sm_80 (no GPU was at hand: nothing here is timed, no tile was tuned). Of the inner loops'
// instructions FFMA are 87 % in the data gradient and 90 % in the weight gradient with tiles of 128 x 128, 76 % in the latter with 64 x 64.
#include "window.cuh"

// The weights as the other operand of the data gradient: a line for each value (o, jx, jy) under a window that goes up and left in steps
// of the stride, from tap (top, left) of the kernel.
template <class T, int Count> struct FilterSource {
  typedef Tile<acc_t<T>, Count, false> S;
  const T* weight;
  const Window& s;
  int top, left, rows, columns, length;
  Counter tap, step;  // (o, jx, jy) of the next line, and how far on the one after is
  bool wide;
  Transit<T, S> transit;

  DEV FilterSource(const T* weight_, const Window& s_, int column0, int top_, int left_, int rows_, int columns_)
      : weight(weight_ + column0 + S::position()), s(s_), top(top_), left(left_), rows(rows_), columns(columns_),
        length(s_.channels - column0 - S::position()), tap(Counter::at((u32)S::line(0), s_.outputs, columns_)),
        step(Counter::at((u32)S::kStride, s_.outputs, columns_)), wide(chunk_aligned<T, S>(weight_ + column0, s_.channels)) {}

  DEV void fetch(acc_t<T>* tile) {
#pragma unroll
    for (int pass = 0; pass < S::kPasses; pass++) {
      i64 row = (i64)tap.low * s.kernel_height + top + (i64)tap.high * s.stride_height;
      const T* from = weight + (row * s.kernel_width + left + (i64)tap.middle * s.stride_width) * s.channels;
      int valid = tap.high < rows ? length : 0;
      tap.advance(step, s.outputs, columns);
      if (!S::owns(pass)) continue;
      if (wide) {
        transit.chunk(pass, S::slot(tile, pass), from, valid > 0);
      } else {
#pragma unroll 1
        for (int e = 0; e < S::kChunk; e++) transit.value(pass, e, S::slot(tile, pass), from + e, e < valid);
      }
    }
  }

  // The passes went on to the next step.
  DEV void advance() {}
  static_assert(S::kPasses * S::kStride == S::kDepth, "a step's lines are those of its passes");
};

// Where the pixels of one residue of a strided axis lie: pixel first + a stride reads output pixel base + a - j through tap 'tap' + j
// stride, for the 'taps' values of j. Pixels of other residues meet other taps: none of them multiplies a zero.
struct Residue {
  int first, count, base, taps;
  DEV Residue(int tap, int size, int kernel, int stride, int pad) {
    first = (tap - pad) % stride;
    if (first < 0) first += stride;
    count = first < size ? (size - first - 1) / stride + 1 : 0;
    base = (first + pad - tap) / stride;
    taps = tap < kernel ? (kernel - tap - 1) / stride + 1 : 0;
  }
};

// dx: [n, h, w, c], dy: [n, oh, ow, o]. blockIdx.y is the residue.
template <class T, int TM, int TN> DEV void conv_data_gradient(const Window& s, const T* dy, const T* weight, T* dx) {
  typedef WindowSource<T, TM, -1> Windows;
  typedef FilterSource<T, TN> Filters;
  typedef typename Windows::S A;
  typedef typename Filters::S B;
  constexpr int kSide = A::kSide;
  SMEM(WindowPlace, places, [kSide]);
  SMEM(Counter, step, [1]);
  SMEM(i64, rows, [kSide]);
  int top = (int)blockIdx.y / s.stride_width, left = (int)blockIdx.y % s.stride_width;
  Residue v(top, s.height, s.kernel_height, s.stride_height, s.pad_top), h(left, s.width, s.kernel_width, s.stride_width, s.pad_left);
  u32 columns = (u32)((s.channels - 1) / B::kSide + 1);
  int c0 = (int)(blockIdx.x % columns) * B::kSide;
  i64 pixel0 = (i64)(blockIdx.x / columns) * kSide, pixels = (i64)s.batch * v.count * h.count;
  if (pixel0 >= pixels) return;
  if (threadIdx.x < kSide) {
    i64 pixel = pixel0 + threadIdx.x;
    places[threadIdx.x] = WindowPlace::nowhere();
    rows[threadIdx.x] = -1;
    if (pixel < pixels) {
      Counter at = Counter::at(pixel, h.count, v.count);
      places[threadIdx.x] = WindowPlace::of(at.high, v.base + at.middle, h.base + at.low, s.out_height, s.out_width, s.outputs);
      rows[threadIdx.x] =
          WindowPlace::of(at.high, v.first + at.middle * s.stride_height, h.first + at.low * s.stride_width, s.height, s.width, s.channels).offset;
    }
  }
  if (threadIdx.x == 0) *step = Counter::at((u32)A::kDepth, s.outputs, h.taps);
  __syncthreads();
  Windows windows(dy, places, s.out_height, s.out_width, s.outputs, v.taps, h.taps, step);
  Filters filters(weight, s, c0, top, left, v.taps, h.taps);
  acc_t<T> sum[TM][TN] = {};
  accumulate<T>((v.taps * h.taps * s.outputs + A::kDepth - 1) / A::kDepth, windows, filters, sum);
  write<T, A, B>(
      sum, c0, s.channels, [&](int i) { return rows[i] >= 0 ? dx + rows[i] : nullptr; }, [](acc_t<T> v, const T*, int) { return v; });
}

#define CONV_DATA_GRADIENT(tile, TM, TN, blocks, T, suffix) \
  PRODUCT_KERNEL(blocks) conv_data_gradient_##tile##suffix(Window s, const T* dy, const T* weight, T* dx) { \
    conv_data_gradient<T, TM, TN>(s, dy, weight, dx); \
  } \
  KERNEL_EXPORT(conv_data_gradient_##tile##suffix)

CONV_DATA_GRADIENT(128x128, 8, 8, 2, float, _f32)
CONV_DATA_GRADIENT(128x96, 8, 6, 2, float, _f32)
CONV_DATA_GRADIENT(128x64, 8, 4, 2, float, _f32)
CONV_DATA_GRADIENT(128x48, 8, 3, 2, float, _f32)
CONV_DATA_GRADIENT(64x64, 4, 4, 3, float, _f32)
CONV_DATA_GRADIENT(64x64, 4, 4, 3, bf16, _bf16)
CONV_DATA_GRADIENT(64x64, 4, 4, 2, double, _f64)

// The images as an operand of the weight gradient: a line for each output pixel, along it the values under its window.
template <class T, int Count> struct PatchSource {
  typedef Tile<acc_t<T>, Count, false> S;
  const T* images;
  const Window& s;
  int lines;  // output pixels that remain
  Counter pixel, step, tap;  // (x, y, image) of the next line, how far on the one after is; (c, kx, ky) along the lines
  bool wide;
  Transit<T, S> transit;

  DEV PatchSource(const T* images_, const Window& s_, i64 pixel0, int lines_, int column0)
      : images(images_), s(s_), lines(lines_ - S::line(0)), pixel(Counter::at(pixel0 + S::line(0), s_.out_width, s_.out_height)),
        step(Counter::at((u32)S::kStride, s_.out_width, s_.out_height)),
        tap(Counter::at((u32)(column0 + S::position()), s_.channels, s_.kernel_width)), wide(chunk_aligned<T, S>(images_, s_.channels)) {}

  DEV void fetch(acc_t<T>* tile) {
#pragma unroll
    for (int pass = 0; pass < S::kPasses; pass++) {
      WindowPlace place = WindowPlace::of(
          pixel.high, pixel.middle * s.stride_height - s.pad_top, pixel.low * s.stride_width - s.pad_left, s.height, s.width, s.channels);
      bool valid = lines > 0;
      pixel.advance(step, s.out_width, s.out_height);
      lines -= S::kStride;
      if (!S::owns(pass)) continue;
      Counter at = tap;
#pragma unroll 1
      for (int e = 0; e < S::kChunk; e++) {
        bool inside =
            valid && at.high < s.kernel_height && (u32)(place.y + at.high) < (u32)s.height && (u32)(place.x + at.middle) < (u32)s.width;
        const T* from = images + place.offset + ((i64)at.high * s.width + at.middle) * s.channels + at.low;
        if (wide) {
          transit.chunk(pass, S::slot(tile, pass), from, inside);
          break;
        }
        transit.value(pass, e, S::slot(tile, pass), from, inside);
        at.advance({1, 0, 0}, s.channels, s.kernel_width);
      }
    }
  }

  // The passes went on to the next step.
  DEV void advance() {}
  static_assert(S::kPasses * S::kStride == S::kDepth, "a step's lines are those of its passes");
};

// dweight: [o, kh, kw, c]; the sum over the pixels is cut into 'splits' pieces of 'depth'. Where there are several, their results go to
// partials: [splits, o, kh kw c].
template <class T, int TM, int TN>
DEV void conv_weight_gradient(const Window& s, const T* x, const T* dy, T* dweight, acc_t<T>* partials, int splits, int depth) {
  typedef MatrixSource<T, TM, false> Outputs;
  typedef PatchSource<T, TN> Patches;
  typedef typename Outputs::S A;
  typedef typename Patches::S B;
  int taps = s.taps();
  u32 columns = (u32)((taps - 1) / B::kSide + 1), rows = (u32)((s.outputs - 1) / A::kSide + 1);
  u32 id = blockIdx.x;
  int column0 = (int)(id % columns) * B::kSide;
  id /= columns;
  int row0 = (int)(id % rows) * A::kSide, split = (int)(id / rows);
  i64 pixel0 = (i64)split * depth;
  int lines = (int)min(s.pixels() - pixel0, (i64)depth);
  Outputs outputs(dy + pixel0 * s.outputs + row0, s.outputs, lines, s.outputs - row0);
  Patches patches(x, s, pixel0, lines, column0);
  acc_t<T> sum[TM][TN] = {};
  accumulate<T>((lines + A::kDepth - 1) / A::kDepth, outputs, patches, sum);
  if (splits == 1) {
    write<T, A, B>(
        sum, column0, taps, [&](int i) { return row0 + i < s.outputs ? dweight + (i64)(row0 + i) * taps : nullptr; },
        [](acc_t<T> v, const T*, int) { return v; });
  } else {
    acc_t<T>* part = partials + (i64)split * s.outputs * taps;
    write<acc_t<T>, A, B>(
        sum, column0, taps, [&](int i) { return row0 + i < s.outputs ? part + (i64)(row0 + i) * taps : nullptr; },
        [](acc_t<T> v, const acc_t<T>*, int) { return v; });
  }
}

#define CONV_WEIGHT_GRADIENT(tile, TM, TN, blocks, T, suffix) \
  PRODUCT_KERNEL(blocks) conv_weight_gradient_##tile##suffix( \
      Window s, const T* x, const T* dy, T* dweight, acc_t<T>* partials, int splits, int depth) { \
    conv_weight_gradient<T, TM, TN>(s, x, dy, dweight, partials, splits, depth); \
  } \
  KERNEL_EXPORT(conv_weight_gradient_##tile##suffix)

CONV_WEIGHT_GRADIENT(128x128, 8, 8, 2, float, _f32)
CONV_WEIGHT_GRADIENT(96x128, 6, 8, 2, float, _f32)
CONV_WEIGHT_GRADIENT(64x64, 4, 4, 3, float, _f32)
CONV_WEIGHT_GRADIENT(64x64, 4, 4, 3, bf16, _bf16)
CONV_WEIGHT_GRADIENT(64x64, 4, 4, 2, double, _f64)

// The second half of a split sum: the pieces of one value, in their order.
template <class T> DEV void conv_sum_splits(const acc_t<T>* partials, T* dweight, i64 count, int splits) {
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    acc_t<T> sum = 0;
    for (int split = 0; split < splits; split++) sum += partials[split * count + i];
    dweight[i] = narrow<T>(sum);
  }
}

#define CONV_SUM_SPLITS(T, suffix) \
  KERNEL(256) conv_sum_splits##suffix(const acc_t<T>* partials, T* dweight, i64 count, int splits) { \
    conv_sum_splits<T>(partials, dweight, count, splits); \
  } \
  KERNEL_EXPORT(conv_sum_splits##suffix)

CONV_SUM_SPLITS(float, _f32)
CONV_SUM_SPLITS(bf16, _bf16)
CONV_SUM_SPLITS(double, _f64)

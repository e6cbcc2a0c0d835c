// y = f(conv(x, weight) + bias + residual) over NHWC images and OHWI weights. A pixel's bits depend neither on the batch nor on the tile.
//
// budget: conv_forward_128x128=128 conv_forward_128x96=128 conv_forward_128x64=128 conv_forward_128x48=128
// budget: conv_forward_128x32=80 conv_forward_64x64=80 conv_forward_64x64_f64=104
//
// Seen in the machine code of NVRTC 12.4 for sm_80 (no GPU was at hand: nothing here is timed, no tile was tuned). Of the inner loop's
// instructions FFMA are 90 % with 128 columns, 88 % with 96, 81 % with 48 and 79 % with 64 x 64. Around it a step costs some 150 more
// for 1024 FFMA: one 16-byte LDGSTS a chunk and the arithmetic of its address. Two blocks share a multiprocessor, three of 64 x 64 and 128 x 32.
#include "epilogue.cuh"
#include "window.cuh"

// Blocks: tiles of columns along x, so that those which read the same pixels run together; tiles of pixels along y, and z where these are
// too many.
// x: [n, h, w, c], weight: [o, kh, kw, c], bias: [o] or null, residual: [n, oh, ow, o] or null (it may be y), y: [n, oh, ow, o]
template <class T, int TM, int TN>
DEV void conv_forward(const Window& s, const T* x, const T* weight, const acc_t<T>* bias, const T* residual, int function, T* y) {
  typedef MatrixSource<T, TN, true> Weights;
  typedef WindowSource<T, TM, 1> Windows;
  typedef typename Windows::S A;
  typedef typename Weights::S B;
  constexpr int kSide = A::kSide;
  SMEM(WindowPlace, places, [kSide]);
  SMEM(Counter, step, [1]);
  int o0 = (int)blockIdx.x * B::kSide;
  i64 pixel0 = ((i64)blockIdx.z * gridDim.y + blockIdx.y) * kSide, pixels = s.pixels();
  if (pixel0 >= pixels) return;
  if (threadIdx.x < kSide) {
    i64 pixel = pixel0 + threadIdx.x;
    if (pixel < pixels) {
      Counter at = Counter::at(pixel, s.out_width, s.out_height);
      places[threadIdx.x] =
          WindowPlace::of(at.high, at.middle * s.stride_height - s.pad_top, at.low * s.stride_width - s.pad_left, s.height, s.width, s.channels);
    } else {
      places[threadIdx.x] = WindowPlace::nowhere();
    }
  }
  if (threadIdx.x == 0) *step = Counter::at((u32)A::kDepth, s.channels, s.kernel_width);
  __syncthreads();
  Windows windows(x, places, s.height, s.width, s.channels, s.kernel_height, s.kernel_width, step);
  Weights weights(weight + (i64)o0 * s.taps(), s.taps(), s.outputs - o0, s.taps());
  acc_t<T> sum[TM][TN] = {};
  accumulate<T>((s.taps() + A::kDepth - 1) / A::kDepth, windows, weights, sum);
  write<T, A, B>(
      sum, o0, s.outputs, [&](int i) { return pixel0 + i < pixels ? y + (pixel0 + i) * s.outputs : nullptr; },
      [&](acc_t<T> v, const T* at, int o) {
        if (bias) v += bias[o];
        if (residual) v += widen(residual[at - y]);
        return activated(function, v);
      });
}

#define CONV_FORWARD(tile, TM, TN, blocks, T, suffix) \
  PRODUCT_KERNEL(blocks) conv_forward_##tile##suffix( \
      Window s, const T* x, const T* weight, const acc_t<T>* bias, const T* residual, int function, T* y) { \
    conv_forward<T, TM, TN>(s, x, weight, bias, residual, function, y); \
  } \
  KERNEL_EXPORT(conv_forward_##tile##suffix)

CONV_FORWARD(128x128, 8, 8, 2, float, _f32)
CONV_FORWARD(128x96, 8, 6, 2, float, _f32)
CONV_FORWARD(128x64, 8, 4, 2, float, _f32)
CONV_FORWARD(128x48, 8, 3, 2, float, _f32)
CONV_FORWARD(128x32, 8, 2, 3, float, _f32)
CONV_FORWARD(64x64, 4, 4, 3, float, _f32)
CONV_FORWARD(64x64, 4, 4, 3, bf16, _bf16)
CONV_FORWARD(64x64, 4, 4, 2, double, _f64)

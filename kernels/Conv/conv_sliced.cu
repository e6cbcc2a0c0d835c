// Convolutions whose channels are cut into groups, or whose taps are no neighbours, and their gradients: a thread takes one value, neighbours
// are channels, so that depthwise convolutions read whole lines. Each sum is one chain in the order of the definition.
//
// budget: conv_sliced_forward=80 conv_sliced_data_gradient=80 conv_sliced_weight_gradient=80 conv_sliced_sum=48
#include "epilogue.cuh"

// The same bytes as SliceArguments of the launcher. Channels of a group: of the input, and of the output.
struct Slices {
  int dilation_height, dilation_width, inputs, outputs;
};

struct Place {
  i64 image;
  int row, column, channel;
};

DEV Place place_of(i64 i, int height, int width, int channels) {
  i64 pixel = quotient(i, channels), line = quotient(pixel, width), image = quotient(line, height);
  return {image, (int)(line - image * height), (int)(pixel - line * width), (int)(i - pixel * channels)};
}

// x: [n, h, w, c], weight: [o, kh, kw, c / groups], bias: [o] or null, residual: [n, oh, ow, o] or null (it may be y), y: [n, oh, ow, o]
template <class T>
DEV void conv_sliced_forward(
    const Window& s, const Slices& g, const T* x, const T* weight, const acc_t<T>* bias, const T* residual, int function, T* y, i64 count) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, s.out_height, s.out_width, s.outputs);
    int first = p.channel / g.outputs * g.inputs;
    const T* filter = weight + (i64)p.channel * s.kernel_height * s.kernel_width * g.inputs;
    A sum = 0;
    for (int ky = 0; ky < s.kernel_height; ky++) {
      int row = p.row * s.stride_height - s.pad_top + ky * g.dilation_height;
      if ((u32)row >= (u32)s.height) continue;
      for (int kx = 0; kx < s.kernel_width; kx++) {
        int column = p.column * s.stride_width - s.pad_left + kx * g.dilation_width;
        if ((u32)column >= (u32)s.width) continue;
        const T* from = x + ((p.image * s.height + row) * s.width + column) * s.channels + first;
        const T* taps = filter + (ky * s.kernel_width + kx) * g.inputs;
        for (int c = 0; c < g.inputs; c++) sum = fma_of(widen(from[c]), widen(taps[c]), sum);
      }
    }
    if (bias) sum += bias[p.channel];
    if (residual) sum += widen(residual[i]);
    y[i] = narrow<T>(activated(function, sum));
  }
}

// dx: [n, h, w, c], dy: [n, oh, ow, o]
template <class T> DEV void conv_sliced_data_gradient(const Window& s, const Slices& g, const T* dy, const T* weight, T* dx, i64 count) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, s.height, s.width, s.channels);
    int group = p.channel / g.inputs, first = group * g.outputs;
    i64 filter = (i64)s.kernel_height * s.kernel_width * g.inputs;
    const T* own = weight + first * filter + (p.channel - group * g.inputs);
    A sum = 0;
    for (int ky = 0; ky < s.kernel_height; ky++) {
      int down = p.row + s.pad_top - ky * g.dilation_height, row = down / s.stride_height;
      if (down < 0 || row * s.stride_height != down || row >= s.out_height) continue;
      for (int kx = 0; kx < s.kernel_width; kx++) {
        int right = p.column + s.pad_left - kx * g.dilation_width, column = right / s.stride_width;
        if (right < 0 || column * s.stride_width != right || column >= s.out_width) continue;
        const T* from = dy + ((p.image * s.out_height + row) * s.out_width + column) * s.outputs + first;
        const T* taps = own + (ky * s.kernel_width + kx) * g.inputs;
        for (int o = 0; o < g.outputs; o++) sum = fma_of(widen(from[o]), widen(taps[o * filter]), sum);
      }
    }
    dx[i] = narrow<T>(sum);
  }
}

// dweight: [o, kh, kw, c / groups]. The output pixels are cut into 'splits' pieces of 'depth'; threads are neighbours along o, which dy has
// side by side. sums: [splits, o, kh, kw, c / groups].
template <class T>
DEV void conv_sliced_weight_gradient(const Window& s, const Slices& g, const T* x, const T* dy, acc_t<T>* sums, i64 count, int splits, i64 depth) {
  typedef acc_t<T> A;
  i64 pixels = s.pixels();
  for (i64 i = thread_index(); i < count * splits; i += thread_count()) {
    i64 split = quotient(i, count), at = i - split * count, tap = quotient(at, s.outputs);
    int o = (int)(at - tap * s.outputs), kernel = (int)quotient(tap, g.inputs), c = (int)(tap - (i64)kernel * g.inputs);
    int ky = kernel / s.kernel_width, kx = kernel - ky * s.kernel_width, channel = o / g.outputs * g.inputs + c;
    i64 end = min((split + 1) * depth, pixels);
    A sum = 0;
    for (i64 pixel = split * depth; pixel < end; pixel++) {
      i64 line = quotient(pixel, s.out_width), image = quotient(line, s.out_height);
      int row = (int)(line - image * s.out_height) * s.stride_height - s.pad_top + ky * g.dilation_height;
      int column = (int)(pixel - line * s.out_width) * s.stride_width - s.pad_left + kx * g.dilation_width;
      if ((u32)row >= (u32)s.height || (u32)column >= (u32)s.width) continue;
      sum = fma_of(widen(x[((image * s.height + row) * s.width + column) * s.channels + channel]), widen(dy[pixel * s.outputs + o]), sum);
    }
    sums[split * count + (i64)o * s.kernel_height * s.kernel_width * g.inputs + tap] = sum;
  }
}

// The pieces of one value, in their order.
template <class T> DEV void conv_sliced_sum(const acc_t<T>* sums, T* dweight, i64 count, int splits) {
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    acc_t<T> sum = 0;
    for (int split = 0; split < splits; split++) sum += sums[split * count + i];
    dweight[i] = narrow<T>(sum);
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) conv_sliced_forward_##S( \
      const __grid_constant__ Window s, const __grid_constant__ Slices g, const T* x, const T* weight, const acc_t<T>* bias, const T* residual, \
      int function, T* y, i64 count) { \
    conv_sliced_forward<T>(s, g, x, weight, bias, residual, function, y, count); \
  } \
  KERNEL_EXPORT(conv_sliced_forward_##S) \
  KERNEL(256) conv_sliced_data_gradient_##S( \
      const __grid_constant__ Window s, const __grid_constant__ Slices g, const T* dy, const T* weight, T* dx, i64 count) { \
    conv_sliced_data_gradient<T>(s, g, dy, weight, dx, count); \
  } \
  KERNEL_EXPORT(conv_sliced_data_gradient_##S) \
  KERNEL(256) conv_sliced_weight_gradient_##S( \
      const __grid_constant__ Window s, const __grid_constant__ Slices g, const T* x, const T* dy, acc_t<T>* sums, i64 count, int splits, i64 depth) { \
    conv_sliced_weight_gradient<T>(s, g, x, dy, sums, count, splits, depth); \
  } \
  KERNEL_EXPORT(conv_sliced_weight_gradient_##S) \
  KERNEL(256) conv_sliced_sum_##S(const acc_t<T>* sums, T* dweight, i64 count, int splits) { conv_sliced_sum<T>(sums, dweight, count, splits); } \
  KERNEL_EXPORT(conv_sliced_sum_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

#include "prelude.cuh"

// Images of bytes, resident on the device, to batches of normalised numbers: picked by index, cropped from a black frame, mirrored,
// resized. And the pointwise step of a plan.
// budget: images=56 images_resized=64 pointwise=48

struct ImageShape {
  int height, width, channels;          // of the images
  int out_height, out_width;            // of the result
  i64 images;                           // how many there are to pick from
};

// What happens to one image of the batch.
struct Change {
  int index, mirror, down, right;
};

// y[b, r, c, k] = table[k, x[index, r + down, c' + right, k]], c' = mirrored c; outside of the image lies black, as a pixel.
// changes may be null: image b as it is. An index out of range is reported.
template <class T> DEV void images(const u8* x, const float* table, const Change* changes, T* y, i64 batch, const ImageShape& s, int* faults) {
  i64 size = (i64)s.height * s.width * s.channels;
  for (i64 i = thread_index(); i < batch * size; i += thread_count()) {
    i64 b = quotient(i, size);
    int rest = (int)(i - b * size), line = s.width * s.channels, row = rest / line, column = (rest - row * line) / s.channels, k = rest % s.channels;
    Change change = {(int)b, 0, 0, 0};
    if (changes) change = changes[b];
    if (change.index < 0 || change.index >= s.images) {
      if (rest == 0) report_fault(faults, kRowOutOfRange, change.index, b, s.images);
      continue;
    }
    int from_row = row + change.down, from_column = (change.mirror ? s.width - 1 - column : column) + change.right;
    bool in = from_row >= 0 && from_row < s.height && from_column >= 0 && from_column < s.width;
    u8 value = in ? x[change.index * size + ((i64)from_row * s.width + from_column) * s.channels + k] : (u8)0;
    y[i] = narrow<T>(table[k * 256 + value]);
  }
}

// The same, resized: each output pixel is the bilinear mean of the four whose centres surround its own (half-pixel centres, as
// PyTorch's align_corners = false without antialiasing), of the normalised values.
template <class T> DEV void images_resized(const u8* x, const float* table, const Change* changes, T* y, i64 batch, const ImageShape& s, int* faults) {
  i64 size = (i64)s.height * s.width * s.channels, out = (i64)s.out_height * s.out_width * s.channels;
  float scale_row = (float)s.height / (float)s.out_height, scale_column = (float)s.width / (float)s.out_width;
  for (i64 i = thread_index(); i < batch * out; i += thread_count()) {
    i64 b = quotient(i, out);
    int rest = (int)(i - b * out), line = s.out_width * s.channels, row = rest / line, column = (rest - row * line) / s.channels, k = rest % s.channels;
    Change change = {(int)b, 0, 0, 0};
    if (changes) change = changes[b];
    if (change.index < 0 || change.index >= s.images) {
      if (rest == 0) report_fault(faults, kRowOutOfRange, change.index, b, s.images);
      continue;
    }
    if (change.mirror) column = s.out_width - 1 - column;
    float at_row = fmaxf(fmaf((float)row + 0.5f, scale_row, -0.5f), 0.0f), at_column = fmaxf(fmaf((float)column + 0.5f, scale_column, -0.5f), 0.0f);
    int top = (int)at_row, left = (int)at_column;
    float down = at_row - (float)top, right = at_column - (float)left;
    auto value = [&](int r, int c) {
      r = min(r, s.height - 1) + change.down;
      c = min(c, s.width - 1) + change.right;
      bool in = r >= 0 && r < s.height && c >= 0 && c < s.width;
      return table[k * 256 + (in ? x[change.index * size + ((i64)r * s.width + c) * s.channels + k] : (u8)0)];
    };
    float upper = fmaf(right, value(top, left + 1) - value(top, left), value(top, left));
    float lower = fmaf(right, value(top + 1, left + 1) - value(top + 1, left), value(top + 1, left));
    y[i] = narrow<T>(fmaf(down, lower - upper, upper));
  }
}

// y = f(x scale + shift + residual), channel by channel; scale, shift and residual may be null. y may be x or the residual.
template <class T> DEV void pointwise(const T* x, const float* scale, const float* shift, const T* residual, int relu, T* y, i64 n, int channels) {
  for (i64 i = thread_index(); i < n; i += thread_count()) {
    int c = scale ? (int)(i - quotient(i, channels) * channels) : 0;
    float v = widen(x[i]);
    if (scale) v = fmaf(v, scale[c], shift[c]);
    if (residual) v += widen(residual[i]);
    y[i] = narrow<T>(relu ? max_nan(v, 0.0f) : v);
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) images_##S(const u8* x, const float* table, const Change* changes, T* y, i64 batch, const __grid_constant__ ImageShape s, int* faults) { \
    images<T>(x, table, changes, y, batch, s, faults); } \
  KERNEL_EXPORT(images_##S) \
  KERNEL(256) images_resized_##S(const u8* x, const float* table, const Change* changes, T* y, i64 batch, const __grid_constant__ ImageShape s, int* faults) { \
    images_resized<T>(x, table, changes, y, batch, s, faults); } \
  KERNEL_EXPORT(images_resized_##S) \
  KERNEL(256) pointwise_##S(const T* x, const float* scale, const float* shift, const T* residual, int relu, T* y, i64 n, int channels) { \
    pointwise<T>(x, scale, shift, residual, relu, y, n, channels); } \
  KERNEL_EXPORT(pointwise_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)

#include "prelude.cuh"

// Pooling over windows of images x [n, h, w, c], and the gradients: each gathers from the windows that hold its pixel, so that no two
// threads add to one place. A thread takes one value; the channels are neighbours.
// budget: average_pool=48 average_pool_backward=56 max_pool=48 max_pool_backward=56 adaptive_pool=48 adaptive_pool_backward=64 adaptive_pool_backward_f64=72

struct Place {
  i64 image;
  int row, column, channel;
};

DEV Place place_of(i64 i, int height, int width, int channels) {
  Place p;
  i64 pixel = quotient(i, channels), line = quotient(pixel, width);
  p.channel = (int)(i - pixel * channels);
  p.column = (int)(pixel - line * width);
  p.image = quotient(line, height);
  p.row = (int)(line - p.image * height);
  return p;
}

// The pixels of a window that lie in the image.
struct Span {
  int begin, end;
};

DEV Span inside(int out, int stride, int pad, int kernel, int extent) {
  int begin = out * stride - pad;
  return {max(begin, 0), min(begin + kernel, extent)};
}

// The windows that hold a pixel.
DEV Span holding(int at, int stride, int pad, int kernel, int windows) {
  int last = at + pad, first = last - kernel + 1;
  return {first <= 0 ? 0 : (first + stride - 1) / stride, min(last / stride + 1, windows)};
}

template <class T> DEV void average_pool(const T* x, T* y, i64 count, int count_padding, const Window& s) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, s.out_height, s.out_width, s.channels);
    Span rows = inside(p.row, s.stride_height, s.pad_top, s.kernel_height, s.height), columns = inside(p.column, s.stride_width, s.pad_left, s.kernel_width, s.width);
    A sum = 0;
    for (int r = rows.begin; r < rows.end; r++)
      for (int c = columns.begin; c < columns.end; c++) sum += widen(x[((p.image * s.height + r) * s.width + c) * s.channels + p.channel]);
    int size = count_padding ? s.kernel_height * s.kernel_width : (rows.end - rows.begin) * (columns.end - columns.begin);
    y[i] = narrow<T>(sum / (A)size);
  }
}

template <class T> DEV void average_pool_backward(const T* dy, T* dx, i64 count, int count_padding, const Window& s) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, s.height, s.width, s.channels);
    Span rows = holding(p.row, s.stride_height, s.pad_top, s.kernel_height, s.out_height), columns = holding(p.column, s.stride_width, s.pad_left, s.kernel_width, s.out_width);
    A sum = 0;
    for (int r = rows.begin; r < rows.end; r++) {
      Span height = inside(r, s.stride_height, s.pad_top, s.kernel_height, s.height);
      for (int c = columns.begin; c < columns.end; c++) {
        Span width = inside(c, s.stride_width, s.pad_left, s.kernel_width, s.width);
        int size = count_padding ? s.kernel_height * s.kernel_width : (height.end - height.begin) * (width.end - width.begin);
        sum += (A)widen(dy[((p.image * s.out_height + r) * s.out_width + c) * s.channels + p.channel]) / (A)size;
      }
    }
    dx[i] = narrow<T>(sum);
  }
}

// Of 'windows' windows over so many pixels, the pixels of one; exchanged, the windows that hold a pixel.
DEV Span adapted(int window, int pixels, int windows) {
  i64 begin = (i64)window * pixels, end = begin + pixels + windows - 1;
  return {(int)quotient(begin, windows), (int)quotient(end, windows)};
}

template <class T> DEV void adaptive_pool(const T* x, T* y, i64 count, int height, int width, int channels, int out_height, int out_width) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, out_height, out_width, channels);
    Span rows = adapted(p.row, height, out_height), columns = adapted(p.column, width, out_width);
    A sum = 0;
    for (int r = rows.begin; r < rows.end; r++)
      for (int c = columns.begin; c < columns.end; c++) sum += widen(x[((p.image * height + r) * width + c) * channels + p.channel]);
    y[i] = narrow<T>(sum / ((A)(rows.end - rows.begin) * (A)(columns.end - columns.begin)));
  }
}

template <class T> DEV void adaptive_pool_backward(const T* dy, T* dx, i64 count, int height, int width, int channels, int out_height, int out_width) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, height, width, channels);
    Span rows = adapted(p.row, out_height, height), columns = adapted(p.column, out_width, width);
    A sum = 0;
    for (int r = rows.begin; r < rows.end; r++) {
      Span high = adapted(r, height, out_height);
      for (int c = columns.begin; c < columns.end; c++) {
        Span wide = adapted(c, width, out_width);
        sum += (A)widen(dy[((p.image * out_height + r) * out_width + c) * channels + p.channel]) / (A)((high.end - high.begin) * (wide.end - wide.begin));
      }
    }
    dx[i] = narrow<T>(sum);
  }
}

// index = row w + column of the largest, the first of equals, the first NaN; index may be null.
template <class T> DEV void max_pool(const T* x, T* y, int* index, i64 count, const Window& s) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, s.out_height, s.out_width, s.channels);
    Span rows = inside(p.row, s.stride_height, s.pad_top, s.kernel_height, s.height), columns = inside(p.column, s.stride_width, s.pad_left, s.kernel_width, s.width);
    int where = rows.begin * s.width + columns.begin;
    const T* image = x + p.image * s.height * s.width * s.channels + p.channel;
    A best = widen(image[(i64)where * s.channels]);
    for (int r = rows.begin; r < rows.end; r++)
      for (int c = columns.begin; c < columns.end; c++) {
        A v = widen(image[((i64)r * s.width + c) * s.channels]);
        if (v > best || (v != v && best == best)) {
          best = v;
          where = r * s.width + c;
        }
      }
    y[i] = narrow<T>(best);
    if (index) index[i] = where;
  }
}

template <class T> DEV void max_pool_backward(const T* dy, const int* index, T* dx, i64 count, const Window& s) {
  typedef acc_t<T> A;
  for (i64 i = thread_index(); i < count; i += thread_count()) {
    Place p = place_of(i, s.height, s.width, s.channels);
    Span rows = holding(p.row, s.stride_height, s.pad_top, s.kernel_height, s.out_height), columns = holding(p.column, s.stride_width, s.pad_left, s.kernel_width, s.out_width);
    int here = p.row * s.width + p.column;
    A sum = 0;
    for (int r = rows.begin; r < rows.end; r++)
      for (int c = columns.begin; c < columns.end; c++) {
        i64 at = ((p.image * s.out_height + r) * s.out_width + c) * s.channels + p.channel;
        if (index[at] == here) sum += widen(dy[at]);
      }
    dx[i] = narrow<T>(sum);
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) adaptive_pool_##S(const T* x, T* y, i64 count, int height, int width, int channels, int out_height, int out_width) { adaptive_pool<T>(x, y, count, height, width, channels, out_height, out_width); } \
  KERNEL_EXPORT(adaptive_pool_##S) \
  KERNEL(256) adaptive_pool_backward_##S(const T* dy, T* dx, i64 count, int height, int width, int channels, int out_height, int out_width) { adaptive_pool_backward<T>(dy, dx, count, height, width, channels, out_height, out_width); } \
  KERNEL_EXPORT(adaptive_pool_backward_##S) \
  KERNEL(256) average_pool_##S(const T* x, T* y, i64 count, int count_padding, const __grid_constant__ Window s) { average_pool<T>(x, y, count, count_padding, s); } \
  KERNEL_EXPORT(average_pool_##S) \
  KERNEL(256) average_pool_backward_##S(const T* dy, T* dx, i64 count, int count_padding, const __grid_constant__ Window s) { average_pool_backward<T>(dy, dx, count, count_padding, s); } \
  KERNEL_EXPORT(average_pool_backward_##S) \
  KERNEL(256) max_pool_##S(const T* x, T* y, int* index, i64 count, const __grid_constant__ Window s) { max_pool<T>(x, y, index, count, s); } \
  KERNEL_EXPORT(max_pool_##S) \
  KERNEL(256) max_pool_backward_##S(const T* dy, const int* index, T* dx, i64 count, const __grid_constant__ Window s) { max_pool_backward<T>(dy, index, dx, count, s); } \
  KERNEL_EXPORT(max_pool_backward_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

#include "prelude.cuh"

// Memory: fill, the one strided copy, conversion between the value types.
// budget: fill=32 copy_strided=48 convert_to_f32=32 convert_to_bf16=32 convert_to_f64=32 convert_to_i32=32 convert_to_u8=40

// Value i lies at the sum of its coordinates times the strides; the last extent changes fastest.
struct Layout {
  int rank;
  i64 extents[6], from[6], to[6];
};

template <class I> DEV void offsets(const Layout& s, i64 i, i64& from, i64& to) {
  I rest = (I)i;
  from = to = 0;
#pragma unroll
  for (int k = 5; k >= 0; k--) {
    if (k >= s.rank) continue;
    I extent = (I)s.extents[k], next = rest / extent;
    i64 place = (i64)(rest - next * extent);
    from += place * s.from[k];
    to += place * s.to[k];
    rest = next;
  }
}

// Values are moved as bits, whatever they mean.
template <class U> DEV void copy_strided(const U* x, U* y, i64 n, const Layout& s) {
  for (i64 i = thread_index(); i < n; i += thread_count()) {
    i64 from, to;
    if (n <= 0x7fffffff)
      offsets<u32>(s, i, from, to);
    else
      offsets<u64>(s, i, from, to);
    y[to] = x[from];
  }
}

template <class U> DEV void fill(U value, U* y, i64 n) {
  for (i64 i = thread_index(); i < n; i += thread_count()) y[i] = value;
}

#define INSTANTIATE_BITS(U, S) \
  KERNEL(256) copy_strided_##S(const U* x, U* y, i64 n, const __grid_constant__ Layout s) { copy_strided<U>(x, y, n, s); } \
  KERNEL_EXPORT(copy_strided_##S) \
  KERNEL(256) fill_##S(u64 value, U* y, i64 n) { fill<U>((U)value, y, n); } \
  KERNEL_EXPORT(fill_##S)

INSTANTIATE_BITS(u8, b8)
INSTANTIATE_BITS(unsigned short, b16)
INSTANTIATE_BITS(u32, b32)
INSTANTIATE_BITS(u64, b64)

// To nearest, halves to even; integers saturate, NaN becomes 0 in them.
template <class To, class From> struct Convert;
template <class From> struct Convert<float, From> { static DEV float of(From x) { return (float)x; } };
template <class From> struct Convert<double, From> { static DEV double of(From x) { return (double)x; } };
template <> struct Convert<float, bf16> { static DEV float of(bf16 x) { return widen(x); } };
template <> struct Convert<double, bf16> { static DEV double of(bf16 x) { return widen(x); } };
template <class From> struct Convert<bf16, From> { static DEV bf16 of(From x) { return narrow<bf16>((float)x); } };
template <> struct Convert<bf16, bf16> { static DEV bf16 of(bf16 x) { return x; } };
// Rounding to float32 first would round a half away from even that was none: the last bit is kept sticky instead.
template <> struct Convert<bf16, double> {
  static DEV bf16 of(double x) {
    float near = (float)x;
    double back = (double)near;
    u32 bits = __float_as_uint(near);
    if (back != x && (bits & 0x7f800000u) != 0x7f800000u && (bits & 0xffffu) == 0x8000u) near = __uint_as_float(abs_of(back) > abs_of(x) ? bits - 1 : bits + 1);
    return narrow<bf16>(near);
  }
};
template <> struct Convert<bf16, int> {
  static DEV bf16 of(int x) {
    float near = (float)x;
    i64 back = (i64)near;
    u32 bits = __float_as_uint(near);
    if (back != x && (bits & 0xffffu) == 0x8000u) near = __uint_as_float((back < 0 ? -back : back) > (x < 0 ? -(i64)x : (i64)x) ? bits - 1 : bits + 1);
    return narrow<bf16>(near);
  }
};
template <class From> struct Convert<int, From> {
  static DEV int of(From x) { return (float)x != (float)x ? 0 : x >= (From)2147483648.0f ? 2147483647 : x <= (From)-2147483648.0f ? -2147483647 - 1 : (int)rint_of(x); }
};
template <> struct Convert<int, bf16> { static DEV int of(bf16 x) { return Convert<int, float>::of(widen(x)); } };
template <> struct Convert<int, int> { static DEV int of(int x) { return x; } };
template <> struct Convert<int, u8> { static DEV int of(u8 x) { return x; } };
template <class From> struct Convert<u8, From> {
  static DEV u8 of(From x) {
    int whole = Convert<int, From>::of(x);
    return (u8)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
  }
};

template <class To, class From> DEV void convert(const From* x, To* y, i64 n) {
  for (i64 i = thread_index(); i < n; i += thread_count()) y[i] = Convert<To, From>::of(x[i]);
}

#define INSTANTIATE_PAIR(To, D, From, S) \
  KERNEL(256) convert_to_##D##_##S(const From* x, To* y, i64 n) { convert<To, From>(x, y, n); } \
  KERNEL_EXPORT(convert_to_##D##_##S)
#define INSTANTIATE_TO(To, D) \
  INSTANTIATE_PAIR(To, D, float, f32) \
  INSTANTIATE_PAIR(To, D, bf16, bf16) \
  INSTANTIATE_PAIR(To, D, double, f64) \
  INSTANTIATE_PAIR(To, D, int, i32) \
  INSTANTIATE_PAIR(To, D, u8, u8)

INSTANTIATE_TO(float, f32)
INSTANTIATE_TO(bf16, bf16)
INSTANTIATE_TO(double, f64)
INSTANTIATE_TO(int, i32)
INSTANTIATE_TO(u8, u8)

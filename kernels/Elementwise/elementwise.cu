#include "prelude.cuh"

// Elementwise functions and their gradients. The enums have the same order as UnaryOp and BinaryOp (C#); the number is the same for
// all threads, so the switch costs a uniform branch a pack, which memory traffic hides.
// budget: unary=40 unary_f64=64 unary_backward=40 unary_backward_f64=64 binary=48 binary_strided=56 affine=32 divide=40 affine_acc64=40 add_into=32

enum UnaryOp { kNegate, kExp, kLog, kSqrt, kRelu, kGelu, kTanh, kSigmoid, kSquare, kAbs, kSilu, kRelu6, kGeluTanh };
enum BinaryOp { kAdd, kSubtract, kMultiply, kDivide, kWeigh };

DEV float erf_of(float x) { return erff(x); }
DEV double erf_of(double x) { return erf(x); }
DEV float tanh_of(float x) { return tanhf(x); }
DEV double tanh_of(double x) { return tanh(x); }

// 1 / (1 + e^-x), exact for x far below 0 too, where e^-x overflows.
template <class A> DEV A sigmoid_of(A x) {
  A e = exp_of(-abs_of(x));
  return (x < (A)0 ? e : (A)1) / ((A)1 + e);
}

// (1 + tanh u) / 2 = 1 / (1 + e^-2u), which does not cancel for negative u: this is 2u of GELU's approximation.
template <class A> DEV A gelu_argument(A x) { return (A)1.5957691216057308 * x * fma_of(x * x, (A)0.044715, (A)1); }

template <class A> DEV A apply(int op, A x) {
  switch (op) {
    case kNegate: return -x;
    case kExp: return exp_of(x);
    case kLog: return log_of(x);
    case kSqrt: return sqrt_of(x);
    case kRelu: return max_nan(x, (A)0);
    case kGelu: return (A)0.5 * x * ((A)1 + erf_of(x * (A)0.70710678118654752));
    case kTanh: return tanh_of(x);
    case kSigmoid: return (A)1 / ((A)1 + exp_of(-x));
    case kSquare: return x * x;
    case kAbs: return abs_of(x);
    case kRelu6: return x < (A)0 ? (A)0 : x > (A)6 ? (A)6 : x;
    case kSilu:
    case kGeluTanh: default: return x * sigmoid_of(op == kSilu ? x : gelu_argument(x));
  }
}

// From the operand or the result, as UnaryOp says of each function.
template <class A> DEV A slope(int op, A s) {
  switch (op) {
    case kNegate: return (A)-1;
    case kExp: return s;
    case kLog: return (A)1 / s;
    case kSqrt: return (A)0.5 / s;
    case kRelu: return s <= (A)0 ? (A)0 : (A)1;
    case kGelu: {
      // d/dx x F(x) = F(x) + x f(x), with the normal distribution F and its density f.
      A distribution = (A)0.5 * ((A)1 + erf_of(s * (A)0.70710678118654752));
      return fma_of(s, exp_of((A)-0.5 * s * s) * (A)0.39894228040143268, distribution);
    }
    case kTanh: return (A)1 - s * s;
    case kSigmoid: return s * ((A)1 - s);
    case kSquare: return s + s;
    case kAbs: return s > (A)0 ? (A)1 : s < (A)0 ? (A)-1 : (A)0;
    case kRelu6: return s > (A)0 && s < (A)6 ? (A)1 : (A)0;
    case kSilu:
    case kGeluTanh: default: {
      // With t = s(u): d/dx x t = t + x t (1 - t) u'. Where x^2 is cut off, t (1 - t) is 0 long since, and must not meet infinity.
      bool plain = op == kSilu;
      A u = plain ? s : gelu_argument(s), e = exp_of(-abs_of(u)), d = (A)1 / ((A)1 + e);
      A t = u < (A)0 ? e * d : d;
      A square = s * s > (A)10000 ? (A)10000 : s * s;
      A rise = plain ? (A)1 : (A)1.5957691216057308 * fma_of(square, (A)0.134145, (A)1);
      return fma_of(s * (e * d * d), rise, t);
    }
  }
}

template <class A> DEV A apply(int op, A a, A b) {
  switch (op) {
    case kAdd: return a + b;
    case kSubtract: return a - b;
    case kMultiply: return a * b;
    case kDivide: return a / b;
    case kWeigh: default: return a == (A)0 ? (A)0 : a * b;
  }
}

// y[i] = f(i) for i < n: packs of 16 bytes where every pointer allows it ('packs'), the rest value by value.
template <class T, class Many, class One> DEV void for_each(i64 n, bool packs, Many many, One one) {
  constexpr int N = lanes<T>::count;
  i64 done = 0;
  if (packs) {
    done = n / N * N;
    for (i64 i = thread_index(); i < n / N; i += thread_count()) many(i);
  }
  for (i64 i = done + thread_index(); i < n; i += thread_count()) one(i);
}

template <class T> DEV void unary(int op, const T* x, T* y, i64 n) {
  typedef Pack<T, lanes<T>::count> P;
  for_each<T>(
    n, aligned16(x) && aligned16(y),
    [&](i64 i) {
      P v = ((const P*)x)[i];
#pragma unroll
      for (int j = 0; j < lanes<T>::count; j++) v.at[j] = narrow<T>(apply<acc_t<T>>(op, widen(v.at[j])));
      ((P*)y)[i] = v;
    },
    [&](i64 i) { y[i] = narrow<T>(apply<acc_t<T>>(op, widen(x[i]))); });
}

// saved may be null where the slope needs nothing.
template <class T> DEV void unary_backward(int op, const T* saved, const T* dy, T* dx, i64 n) {
  typedef Pack<T, lanes<T>::count> P;
  const T* s = saved ? saved : dy;
  for_each<T>(
    n, aligned16(s) && aligned16(dy) && aligned16(dx),
    [&](i64 i) {
      P v = ((const P*)s)[i], g = ((const P*)dy)[i];
#pragma unroll
      for (int j = 0; j < lanes<T>::count; j++) g.at[j] = narrow<T>(widen(g.at[j]) * slope<acc_t<T>>(op, widen(v.at[j])));
      ((P*)dx)[i] = g;
    },
    [&](i64 i) { dx[i] = narrow<T>(widen(dy[i]) * slope<acc_t<T>>(op, widen(s[i]))); });
}

// Contiguous operands; a step of 0 repeats one value.
template <class T> DEV void binary(int op, const T* a, int step_a, const T* b, int step_b, T* y, i64 n) {
  typedef Pack<T, lanes<T>::count> P;
  for_each<T>(
    n, (aligned16(a) || !step_a) && (aligned16(b) || !step_b) && aligned16(y),
    [&](i64 i) {
      P v, w;
      if (step_a) v = ((const P*)a)[i];
      if (step_b) w = ((const P*)b)[i];
#pragma unroll
      for (int j = 0; j < lanes<T>::count; j++) v.at[j] = narrow<T>(apply<acc_t<T>>(op, widen(step_a ? v.at[j] : a[0]), widen(step_b ? w.at[j] : b[0])));
      ((P*)y)[i] = v;
    },
    [&](i64 i) { y[i] = narrow<T>(apply<acc_t<T>>(op, widen(a[i * step_a]), widen(b[i * step_b]))); });
}

// Both operands expanded to y's shape: value i of y lies at extents[rank - 1] fastest. Divisions are of 32 bits where they can be.
struct Broadcast {
  int rank;
  i64 extents[6], a[6], b[6];
};

template <class T, class I> DEV void binary_strided_as(int op, const T* a, const T* b, T* y, i64 n, const Broadcast& s) {
  for (i64 i = thread_index(); i < n; i += thread_count()) {
    I rest = (I)i;
    i64 at = 0, bt = 0;
#pragma unroll
    for (int k = 5; k >= 0; k--) {
      if (k >= s.rank) continue;
      I extent = (I)s.extents[k], next = rest / extent;
      i64 place = (i64)(rest - next * extent);
      at += place * s.a[k];
      bt += place * s.b[k];
      rest = next;
    }
    y[i] = narrow<T>(apply<acc_t<T>>(op, widen(a[at]), widen(b[bt])));
  }
}

template <class T> DEV void binary_strided(int op, const T* a, const T* b, T* y, i64 n, const Broadcast& s) {
  if (n <= 0x7fffffff)
    binary_strided_as<T, u32>(op, a, b, y, n, s);
  else
    binary_strided_as<T, u64>(op, a, b, y, n, s);
}

// y = x scale + shift
template <class T> DEV void affine(const T* x, acc_t<T> scale, acc_t<T> shift, T* y, i64 n) {
  typedef Pack<T, lanes<T>::count> P;
  for_each<T>(
    n, aligned16(x) && aligned16(y),
    [&](i64 i) {
      P v = ((const P*)x)[i];
#pragma unroll
      for (int j = 0; j < lanes<T>::count; j++) v.at[j] = narrow<T>(fma_of(widen(v.at[j]), scale, shift));
      ((P*)y)[i] = v;
    },
    [&](i64 i) { y[i] = narrow<T>(fma_of(widen(x[i]), scale, shift)); });
}

// y = x / divisor. No packs of float64: its division is a call, across which a second value would be spilled.
template <class T> DEV void divide(const T* x, acc_t<T> divisor, T* y, i64 n) {
  typedef Pack<T, lanes<T>::count> P;
  for_each<T>(
    n, sizeof(T) < 8 && aligned16(x) && aligned16(y),
    [&](i64 i) {
      P v = ((const P*)x)[i];
#pragma unroll
      for (int j = 0; j < lanes<T>::count; j++) v.at[j] = narrow<T>(widen(v.at[j]) / divisor);
      ((P*)y)[i] = v;
    },
    [&](i64 i) { y[i] = narrow<T>(widen(x[i]) / divisor); });
}

// y = (x scale + shift) / divisor in float64, for numbers that float32 cannot hold.
template <class T> DEV void affine_acc64(const T* x, double scale, double shift, double divisor, T* y, i64 n) {
  for (i64 i = thread_index(); i < n; i += thread_count()) y[i] = narrow<T>((acc_t<T>)(fma_of((double)widen(x[i]), scale, shift) / divisor));
}

template <class T> DEV void add_into(T* sum, const T* x, i64 n) {
  typedef Pack<T, lanes<T>::count> P;
  for_each<T>(
    n, aligned16(x) && aligned16(sum),
    [&](i64 i) {
      P v = ((const P*)x)[i], s = ((const P*)sum)[i];
#pragma unroll
      for (int j = 0; j < lanes<T>::count; j++) s.at[j] = narrow<T>(widen(s.at[j]) + widen(v.at[j]));
      ((P*)sum)[i] = s;
    },
    [&](i64 i) { sum[i] = narrow<T>(widen(sum[i]) + widen(x[i])); });
}

#define INSTANTIATE(T, S) \
  KERNEL(256) unary_##S(int op, const T* x, T* y, i64 n) { unary<T>(op, x, y, n); } \
  KERNEL_EXPORT(unary_##S) \
  KERNEL(256) unary_backward_##S(int op, const T* saved, const T* dy, T* dx, i64 n) { unary_backward<T>(op, saved, dy, dx, n); } \
  KERNEL_EXPORT(unary_backward_##S) \
  KERNEL(256) binary_##S(int op, const T* a, int step_a, const T* b, int step_b, T* y, i64 n) { binary<T>(op, a, step_a, b, step_b, y, n); } \
  KERNEL_EXPORT(binary_##S) \
  KERNEL(256) binary_strided_##S(int op, const T* a, const T* b, T* y, i64 n, const __grid_constant__ Broadcast s) { binary_strided<T>(op, a, b, y, n, s); } \
  KERNEL_EXPORT(binary_strided_##S) \
  KERNEL(256) affine_##S(const T* x, acc_t<T> scale, acc_t<T> shift, T* y, i64 n) { affine<T>(x, scale, shift, y, n); } \
  KERNEL_EXPORT(affine_##S) \
  KERNEL(256) divide_##S(const T* x, acc_t<T> divisor, T* y, i64 n) { divide<T>(x, divisor, y, n); } \
  KERNEL_EXPORT(divide_##S) \
  KERNEL(256) affine_acc64_##S(const T* x, double scale, double shift, double divisor, T* y, i64 n) { affine_acc64<T>(x, scale, shift, divisor, y, n); } \
  KERNEL_EXPORT(affine_acc64_##S) \
  KERNEL(256) add_into_##S(T* sum, const T* x, i64 n) { add_into<T>(sum, x, n); } \
  KERNEL_EXPORT(add_into_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

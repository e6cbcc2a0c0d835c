#include "prelude.cuh"

// Softmax, its logarithm, cross-entropy, and their gradients, over rows of x [rows, d]. A row is the work of 'threads' threads: a
// warp for short rows, the block for long ones.
// budget: softmax=48 softmax_backward=48 cross_entropy=48 cross_entropy_backward=48 softmax_f64=88 softmax_backward_f64=80 cross_entropy_f64=80 cross_entropy_backward_f64=80
// softmax_f64 divides: one register more than before on sm_90 by CUDA 11.8, where it is not worth a kernel of its own.

// The threads that share a row. All of them take part in its sums, those of rows that only fill up the last block too.
template <class A> struct Group {
  int threads;
  A* scratch;
  DEV A sum(A v) const { return threads == 32 ? warp_sum(v) : block_sum(v, scratch); }
  DEV A max(A v) const { return threads == 32 ? warp_max(v) : block_max(v, scratch); }
};

// ln of the sum of e^x, less the largest x, which is returned too: no exponential overflows.
template <class T> DEV acc_t<T> log_sum(const T* x, i64 d, bool wanted, int t, const Group<acc_t<T>>& group, acc_t<T>& largest) {
  typedef acc_t<T> A;
  A v = -infinity<A>();
  if (wanted)
    for (i64 i = t; i < d; i += group.threads) v = max_nan(v, (A)widen(x[i]));
  largest = group.max(v);
  A s = 0;
  if (wanted)
    for (i64 i = t; i < d; i += group.threads) s += exp_of((A)widen(x[i]) - largest);
  return log_of(group.sum(s));
}

#define FOR_EACH_ROW(rows) \
  int t = threadIdx.x % threads, groups = blockDim.x / threads; \
  for (i64 first = (i64)blockIdx.x * groups; first < rows; first += (i64)gridDim.x * groups)

template <class T> DEV void softmax(const T* x, T* y, i64 rows, i64 d, int log, int threads) {
  typedef acc_t<T> A;
  SMEM(A, scratch, [32]);
  Group<A> group = {threads, scratch};
  FOR_EACH_ROW(rows) {
    i64 row = first + threadIdx.x / threads;
    bool wanted = row < rows;
    const T* p = x + row * d;
    A largest = -infinity<A>();
    if (wanted)
      for (i64 i = t; i < d; i += threads) largest = max_nan(largest, (A)widen(p[i]));
    largest = group.max(largest);
    A s = 0;
    if (wanted)
      for (i64 i = t; i < d; i += threads) s += exp_of((A)widen(p[i]) - largest);
    s = group.sum(s);
    A shift = log ? log_of(s) : s;
    if (wanted)
      for (i64 i = t; i < d; i += threads) {
        A v = (A)widen(p[i]) - largest;
        y[row * d + i] = narrow<T>(log ? v - shift : exp_of(v) / shift);
      }
  }
}

// softmax: dx = y (dy - sum(y dy)); log softmax: dx = dy - e^y sum(dy). From the result y.
template <class T> DEV void softmax_backward(const T* y, const T* dy, T* dx, i64 rows, i64 d, int log, int threads) {
  typedef acc_t<T> A;
  SMEM(A, scratch, [32]);
  Group<A> group = {threads, scratch};
  FOR_EACH_ROW(rows) {
    i64 row = first + threadIdx.x / threads;
    bool wanted = row < rows;
    A s = 0;
    if (wanted)
      for (i64 i = row * d + t; i < row * d + d; i += threads) s += log ? (A)widen(dy[i]) : (A)widen(y[i]) * widen(dy[i]);
    s = group.sum(s);
    if (wanted)
      for (i64 i = row * d + t; i < row * d + d; i += threads) {
        A p = widen(y[i]), g = widen(dy[i]);
        dx[i] = narrow<T>(log ? g - exp_of(p) * s : p * (g - s));
      }
  }
}

// losses[r] = -ln softmax(x[r])[labels[r]]; a label out of range gives NaN and is reported.
template <class T> DEV void cross_entropy(const T* x, const int* labels, T* losses, i64 rows, i64 d, int* faults, int threads) {
  typedef acc_t<T> A;
  SMEM(A, scratch, [32]);
  Group<A> group = {threads, scratch};
  FOR_EACH_ROW(rows) {
    i64 row = first + threadIdx.x / threads;
    bool wanted = row < rows;
    const T* p = x + row * d;
    A largest, log = log_sum(p, d, wanted, t, group, largest);
    if (!wanted || t != 0) continue;
    int label = labels[row];
    bool known = label >= 0 && label < d;
    if (!known) report_fault(faults, kLabelOutOfRange, label, row, d);
    losses[row] = narrow<T>(known ? log + (largest - (A)widen(p[label])) : infinity<A>() - infinity<A>());
  }
}

// dx[r] = dy[r] (softmax(x[r]) - onehot(labels[r]))
template <class T> DEV void cross_entropy_backward(const T* x, const int* labels, const T* dy, T* dx, i64 rows, i64 d, int threads) {
  typedef acc_t<T> A;
  SMEM(A, scratch, [32]);
  Group<A> group = {threads, scratch};
  FOR_EACH_ROW(rows) {
    i64 row = first + threadIdx.x / threads;
    bool wanted = row < rows;
    const T* p = x + row * d;
    A largest, log = log_sum(p, d, wanted, t, group, largest);
    if (!wanted) continue;
    A g = widen(dy[row]);
    int label = labels[row];
    for (i64 i = t; i < d; i += threads) dx[row * d + i] = narrow<T>(g * (exp_of((A)widen(p[i]) - largest - log) - (i == label ? (A)1 : (A)0)));
  }
}

// The compiler spills the float64 kernels on sm_90 unless it may use as many registers as it likes.
#define INSTANTIATE(T, S, bounds) \
  KERNEL bounds softmax_##S(const T* x, T* y, i64 rows, i64 d, int log, int threads) { softmax<T>(x, y, rows, d, log, threads); } \
  KERNEL_EXPORT(softmax_##S) \
  KERNEL bounds softmax_backward_##S(const T* y, const T* dy, T* dx, i64 rows, i64 d, int log, int threads) { softmax_backward<T>(y, dy, dx, rows, d, log, threads); } \
  KERNEL_EXPORT(softmax_backward_##S) \
  KERNEL bounds cross_entropy_##S(const T* x, const int* labels, T* losses, i64 rows, i64 d, int* faults, int threads) { cross_entropy<T>(x, labels, losses, rows, d, faults, threads); } \
  KERNEL_EXPORT(cross_entropy_##S) \
  KERNEL bounds cross_entropy_backward_##S(const T* x, const int* labels, const T* dy, T* dx, i64 rows, i64 d, int threads) { cross_entropy_backward<T>(x, labels, dy, dx, rows, d, threads); } \
  KERNEL_EXPORT(cross_entropy_backward_##S)

INSTANTIATE(float, f32, (256))
INSTANTIATE(bf16, bf16, (256))
INSTANTIATE(double, f64, (256, 1))

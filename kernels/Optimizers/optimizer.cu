#include "prelude.cuh"

// Optimizer steps of many tensors in one launch, in place; PyTorch's formulas. The tensors travel in the launch's arguments: nothing
// is uploaded. Each block works on kChunk values of one tensor.
// budget: sgd=40 adam=48 adam_f64=64

constexpr int kTensors = 64;
constexpr int kChunk = 4096;

struct Tensors {
  int count;
  u32 first_block[kTensors + 1];  // of each tensor, ascending; the last entry is the number of blocks
  void *weight[kTensors], *gradient[kTensors], *first[kTensors], *second[kTensors];
  i64 size[kTensors];
};

// The tensor that a block works on.
DEV int tensor_of(const Tensors& t) {
  int low = 0, high = t.count;
  while (high - low > 1) {
    int middle = (low + high) / 2;
    if (t.first_block[middle] <= blockIdx.x)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// g' = g + decay w; v = momentum v + g'; w -= rate (nesterov ? g' + momentum v : v). Without v: w -= rate g'.
template <class A> DEV void sgd(const Tensors& t, A rate, A momentum, A decay, int nesterov) {
  int k = tensor_of(t);
  A *w = (A*)t.weight[k], *v = (A*)t.first[k];
  const A* g = (const A*)t.gradient[k];
  i64 begin = (i64)(blockIdx.x - t.first_block[k]) * kChunk, end = min(t.size[k], begin + kChunk);
  for (i64 i = begin + threadIdx.x; i < end; i += blockDim.x) {
    A old = w[i], step = fma_of(decay, old, g[i]);
    if (v) {
      A speed = fma_of(momentum, v[i], step);
      v[i] = speed;
      step = nesterov ? fma_of(momentum, speed, step) : speed;
    }
    w[i] = fma_of(-rate, step, old);
  }
}

// w' = shrink w; g' = g + decay w'; m += (1 - beta1)(g' - m); v = beta2 v + (1 - beta2) g'^2; w = w' - size m / (sqrt(v) / correction + eps).
template <class A> struct AdamRates {
  A shrink, decay, rest1, beta2, rest2, eps, size, correction;
};

template <class A> DEV void adam(const Tensors& t, const AdamRates<A>& r) {
  int k = tensor_of(t);
  A *w = (A*)t.weight[k], *m = (A*)t.first[k], *v = (A*)t.second[k];
  const A* g = (const A*)t.gradient[k];
  i64 begin = (i64)(blockIdx.x - t.first_block[k]) * kChunk, end = min(t.size[k], begin + kChunk);
  for (i64 i = begin + threadIdx.x; i < end; i += blockDim.x) {
    A old = w[i] * r.shrink, step = fma_of(r.decay, old, g[i]);
    A first = fma_of(r.rest1, step - m[i], m[i]);
    A second = fma_of(r.rest2 * step, step, r.beta2 * v[i]);
    m[i] = first;
    v[i] = second;
    w[i] = fma_of(-r.size, first / (sqrt_of(second) / r.correction + r.eps), old);
  }
}

#define INSTANTIATE(A, S) \
  KERNEL(256) sgd_##S(const __grid_constant__ Tensors t, A rate, A momentum, A decay, int nesterov) { sgd<A>(t, rate, momentum, decay, nesterov); } \
  KERNEL_EXPORT(sgd_##S) \
  KERNEL(256) adam_##S(const __grid_constant__ Tensors t, const __grid_constant__ AdamRates<A> r) { adam<A>(t, r); } \
  KERNEL_EXPORT(adam_##S)

INSTANTIATE(float, f32)
INSTANTIATE(double, f64)

#include "prelude.cuh"

// The erasure operators on rows of features: y = z - L(Rᵀz) + b, or y = L(Rᵀz) + b where z is not kept.
// budget: lowrank=96 lowrank_f64=144

constexpr int kRows = 8, kColumns = 4;

// z, y: [n, d], y may be z; left, right: [d, k]; offset: [d] or null. A block does 8 rows at a time: their coefficients Rᵀz lie in
// shared memory, [8, k]. 'keep' is 1 or 0.
template <class T> DEV void lowrank(const T* z, const acc_t<T>* left, const acc_t<T>* right, const acc_t<T>* offset, T* y, i64 n, i64 d, int k, int keep) {
  typedef acc_t<T> A;
  SMEM_DYN(A, coefficients);
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  for (i64 first = (i64)blockIdx.x * kRows; first < n; first += (i64)gridDim.x * kRows) {
    int rows = (int)min((i64)kRows, n - first);
    const T* in = z + first * d;
    // A warp takes four columns of R and reads them once for all rows.
    for (int j = warp * kColumns; j < k; j += warps * kColumns) {
      A sum[kRows][kColumns] = {};
      for (i64 i = lane; i < d; i += 32) {
        A r[kColumns];
#pragma unroll
        for (int c = 0; c < kColumns; c++) r[c] = j + c < k ? right[i * k + j + c] : (A)0;
#pragma unroll
        for (int q = 0; q < kRows; q++) {
          A v = q < rows ? widen(in[q * d + i]) : (A)0;
#pragma unroll
          for (int c = 0; c < kColumns; c++) sum[q][c] += v * r[c];
        }
      }
#pragma unroll
      for (int q = 0; q < kRows; q++)
#pragma unroll
        for (int c = 0; c < kColumns; c++) {
          A s = warp_sum(sum[q][c]);
          if (lane == 0 && j + c < k) coefficients[q * k + j + c] = s;
        }
    }
    __syncthreads();
    A sign = keep ? (A)-1 : (A)1;
    for (i64 i = threadIdx.x; i < d; i += blockDim.x) {
      A sum[kRows] = {};
      for (int j = 0; j < k; j++) {
        A l = left[i * k + j];
#pragma unroll
        for (int q = 0; q < kRows; q++) sum[q] += l * coefficients[q * k + j];
      }
      A b = offset ? offset[i] : (A)0;
#pragma unroll
      for (int q = 0; q < kRows; q++)
        if (q < rows) y[(first + q) * d + i] = narrow<T>((keep ? widen(in[q * d + i]) : (A)0) + sign * sum[q] + b);
    }
    __syncthreads();
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) lowrank_##S(const T* z, const acc_t<T>* left, const acc_t<T>* right, const acc_t<T>* offset, T* y, i64 n, i64 d, int k, int keep) { \
    lowrank<T>(z, left, right, offset, y, n, d, k, keep); } \
  KERNEL_EXPORT(lowrank_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

// The emulated cuSOLVER and cuBLAS against their definitions.
#include "selftest.h"

static std::vector<double> random_values(size_t count, unsigned seed) {
  std::vector<double> values(count);
  for (double& v : values) v = static_cast<double>((seed = seed * 1664525u + 1013904223u) >> 8) / (1 << 23) - 1;
  return values;
}

// max |sum_k left(i, k) scale(k) right(k, j) - want(i, j)|, all column-major, the right one transposed when asked for.
static double product_error(const std::vector<double>& left, const std::vector<double>& scale, const std::vector<double>& right, bool transposed,
                            const std::vector<double>& want, size_t rows, size_t inner, size_t columns) {
  double worst = 0;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) {
      double sum = 0;
      for (size_t k = 0; k < inner; k++) sum += left[k * rows + i] * scale[k] * (transposed ? right[k * columns + j] : right[j * inner + k]);
      worst = std::max(worst, std::fabs(sum - want[j * rows + i]));
    }
  return worst;
}

static double orthogonality_error(const std::vector<double>& u, size_t rows, size_t columns) {
  double worst = 0;
  for (size_t p = 0; p < columns; p++)
    for (size_t q = 0; q < columns; q++) {
      double sum = p == q ? -1 : 0;
      for (size_t i = 0; i < rows; i++) sum += u[p * rows + i] * u[q * rows + i];
      worst = std::max(worst, std::fabs(sum));
    }
  return worst;
}

void solvers() {
  Device device(0);
  void *solver, *settings;
  EXPECT_EQUAL(cusolverDnCreate(&solver), 0);
  EXPECT_EQUAL(cusolverDnCreateGesvdjInfo(&settings), 0);
  Array<int> info(1, 0xFF);
  for (auto [m, n, rank] : {std::array<size_t, 3>{13, 7, 7}, {9, 9, 9}, {40, 31, 5}, {1, 1, 1}, {6, 11, 6}}) {
    std::vector<double> a(m * n), left = random_values(m * rank, 1), right = random_values(n * rank, 2);
    for (size_t i = 0; i < m; i++)
      for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < rank; k++) a[j * m + i] += left[k * m + i] * right[k * n + j];
    size_t least = std::min(m, n);
    int rows = static_cast<int>(m), columns = static_cast<int>(n), size = 0;
    double tolerance = 1e-12 * static_cast<double>(m + n);
    if (m >= n) {
      Array<double> da(a), s(n), u(m * m), vt(n * n);
      EXPECT_EQUAL(cusolverDnDgesvd_bufferSize(solver, rows, columns, &size), 0);
      Array<double> work(static_cast<size_t>(size));
      EXPECT_EQUAL(cusolverDnDgesvd(solver, 'A', 'A', rows, columns, da, rows, s, u, rows, vt, columns, work, size, 0, info), 0);
      EXPECT_EQUAL(info.values()[0], 0);
      EXPECT(product_error(u.values(), s.values(), vt.values(), false, a, m, n, n) < tolerance);
      EXPECT(orthogonality_error(u.values(), m, m) < tolerance);
      EXPECT(orthogonality_error(vt.values(), n, n) < tolerance);
      std::vector<double> values = s.values();
      EXPECT(std::is_sorted(values.rbegin(), values.rend()));
      EXPECT(rank == n || values[rank] < tolerance);
    } else {
      EXPECT_EQUAL(cusolverDnDgesvd_bufferSize(solver, rows, columns, &size), 3);
    }
    Array<double> da(a), s(least), u(m * least), v(n * least);
    EXPECT_EQUAL(cusolverDnDgesvdj_bufferSize(solver, 1, 1, rows, columns, da, rows, s, u, rows, v, columns, &size, settings), 0);
    Array<double> work(static_cast<size_t>(size));
    EXPECT_EQUAL(cusolverDnDgesvdj(solver, 1, 1, rows, columns, da, rows, s, u, rows, v, columns, work, size, info, settings), 0);
    EXPECT(product_error(u.values(), s.values(), v.values(), true, a, m, least, n) < tolerance);
    EXPECT(orthogonality_error(u.values(), m, least) < tolerance);
    EXPECT(orthogonality_error(v.values(), n, least) < tolerance);
  }
  for (size_t n : {1, 2, 17, 33}) {
    std::vector<double> a = random_values(n * n, 3);
    for (int uplo : {0, 1}) {
      int size, order = static_cast<int>(n);
      std::vector<double> symmetric = a;
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) (uplo == 0 ? symmetric[i * n + j] : symmetric[j * n + i]) = uplo == 0 ? a[j * n + i] : a[i * n + j];
      Array<double> da(a), w(n);
      EXPECT_EQUAL(cusolverDnDsyevd_bufferSize(solver, 1, uplo, order, da, order, w, &size), 0);
      Array<double> work(static_cast<size_t>(size));
      EXPECT_EQUAL(cusolverDnDsyevd(solver, 1, uplo, order, da, order, w, work, size, info), 0);
      std::vector<double> values = w.values();
      EXPECT(std::is_sorted(values.begin(), values.end()));
      EXPECT(product_error(da.values(), values, da.values(), true, symmetric, n, n, n) < 1e-12 * static_cast<double>(n));
      EXPECT(orthogonality_error(da.values(), n, n) < 1e-12 * static_cast<double>(n));
    }
  }
  EXPECT_EQUAL(cusolverDnDestroyGesvdjInfo(settings), 0);
  EXPECT_EQUAL(cusolverDnDestroy(solver), 0);
  expect_clean();
}

void products() {
  Device device(0);
  void* blas;
  EXPECT_EQUAL(cublasCreate_v2(&blas), 0);
  const size_t m = 5, n = 7, k = 3, batch = 2;
  std::vector<double> a = random_values(m * k * batch, 1), b = random_values(k * n * batch, 2), c = random_values(m * n * batch, 3);
  double alpha = 1.5, beta = -0.5, none = 0;
  for (int ta : {0, 1})
    for (int tb : {0, 1}) {
      Array<double> da(a), db(b), dc(c), nan(m * n, 0xFF);
      int leading_a = ta ? 3 : 5, leading_b = tb ? 7 : 3;
      EXPECT_EQUAL(cublasGemmStridedBatchedEx(blas, ta, tb, 5, 7, 3, &alpha, reinterpret_cast<void*>(da.address), 1, leading_a, m * k,
                                              reinterpret_cast<void*>(db.address), 1, leading_b, k * n, &beta, reinterpret_cast<void*>(dc.address), 1, 5,
                                              m * n, batch, 70, -1), 0);
      std::vector<double> got = dc.values();
      for (size_t x = 0; x < batch; x++)
        for (size_t i = 0; i < m; i++)
          for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++) sum += a[x * m * k + (ta ? i * k + l : l * m + i)] * b[x * k * n + (tb ? l * n + j : j * k + l)];
            EXPECT(std::fabs(got[x * m * n + j * m + i] - (alpha * sum + beta * c[x * m * n + j * m + i])) < 1e-13);
          }
      // beta = 0: what stood there does not count, not even NaN.
      EXPECT_EQUAL(cublasGemmStridedBatchedEx(blas, ta, tb, 5, 7, 3, &alpha, reinterpret_cast<void*>(da.address), 1, leading_a, 0,
                                              reinterpret_cast<void*>(db.address), 1, leading_b, 0, &none, reinterpret_cast<void*>(nan.address), 1, 5, 0, 1, 70, -1), 0);
      for (double v : nan.values()) EXPECT(!std::isnan(v));
    }
  expect_clean();
  Array<double> da(a);
  EXPECT_EQUAL(cublasGemmStridedBatchedEx(blas, 0, 0, 5, 7, 3, &alpha, reinterpret_cast<void*>(da.address), 1, 4, 0, reinterpret_cast<void*>(da.address), 1, 3, 0,
                                          &beta, reinterpret_cast<void*>(da.address), 1, 5, 0, 1, 70, -1), 7);
  EXPECT_EQUAL(cublasGemmStridedBatchedEx(blas, 0, 0, 5, 70, 3, &alpha, reinterpret_cast<void*>(da.address), 1, 5, 0, reinterpret_cast<void*>(da.address), 1, 3, 0,
                                          &beta, reinterpret_cast<void*>(da.address), 1, 5, 0, 1, 70, -1), 0);
  expect_report(device, "not in device memory");
  EXPECT_EQUAL(cublasDestroy_v2(blas), 0);
}

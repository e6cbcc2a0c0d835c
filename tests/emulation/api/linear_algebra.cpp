#include "linear_algebra.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace api {
namespace {
double dot(const double* x, const double* y, size_t n) {
  // Four sums: the order of additions is fixed, and the compiler can keep them in a vector.
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (size_t k = 0; k < 4; k++) sums[k] += x[i + k] * y[i + k];
  for (; i < n; i++) sums[0] += x[i] * y[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void rotate(double* x, double* y, size_t n, double c, double s) {
  for (size_t i = 0; i < n; i++) {
    double a = x[i], b = y[i];
    x[i] = c * a - s * b;
    y[i] = s * a + c * b;
  }
}

// The smaller root of t^2 + 2 zeta t - 1.
double tangent(double zeta) { return std::copysign(1.0, zeta) / (std::fabs(zeta) + std::hypot(1.0, zeta)); }

std::vector<size_t> sorted(const std::vector<double>& keys, bool falling) {
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return falling ? keys[a] > keys[b] : keys[a] < keys[b]; });
  return order;
}

Matrix identity(size_t n) {
  Matrix m(n, n);
  for (size_t i = 0; i < n; i++) m.at(i, i) = 1;
  return m;
}

Matrix permuted(Matrix& m, const std::vector<size_t>& order) {
  Matrix result(m.rows, order.size());
  for (size_t j = 0; j < order.size(); j++) std::copy_n(m.column(order[j]), m.rows, result.column(j));
  return result;
}
}  // namespace

void multiply(Matrix& a, Matrix& b, Matrix& c) {
  for (size_t j = 0; j < c.columns; j++) {
    double* out = c.column(j);
    for (size_t k = 0; k < a.columns; k++) {
      const double scale = b.at(k, j), *in = a.column(k);
      for (size_t i = 0; i < a.rows; i++) out[i] += in[i] * scale;
    }
  }
}

void complete_basis(Matrix& u, size_t from, size_t columns) {
  for (size_t j = from, axis = 0; j < columns && axis < u.rows; axis++) {
    double* column = u.column(j);
    std::fill_n(column, u.rows, 0.0);
    column[axis] = 1;
    for (int pass = 0; pass < 2; pass++)
      for (size_t k = 0; k < j; k++) {
        double scale = dot(u.column(k), column, u.rows);
        for (size_t i = 0; i < u.rows; i++) column[i] -= scale * u.column(k)[i];
      }
    double norm = std::sqrt(dot(column, column, u.rows));
    if (norm < 1e-3) continue;  // the axis lies nearly in the span; another does not
    for (size_t i = 0; i < u.rows; i++) column[i] /= norm;
    j++;
  }
}

SingularValues decompose(Matrix a, double tolerance, int sweeps) {
  size_t n = a.columns;
  Matrix v = identity(n);
  tolerance = std::max(tolerance, 1e-15);
  int sweep = 0;
  for (bool rotated = true; rotated && sweep < sweeps; sweep++) {
    rotated = false;
    for (size_t p = 0; p + 1 < n; p++)
      for (size_t q = p + 1; q < n; q++) {
        double alpha = dot(a.column(p), a.column(p), a.rows), beta = dot(a.column(q), a.column(q), a.rows);
        double gamma = dot(a.column(p), a.column(q), a.rows);
        if (gamma == 0 || std::fabs(gamma) <= tolerance * std::sqrt(alpha * beta)) continue;
        rotated = true;
        double t = tangent((beta - alpha) / (2 * gamma)), c = 1 / std::hypot(1.0, t);
        rotate(a.column(p), a.column(q), a.rows, c, c * t);
        rotate(v.column(p), v.column(q), n, c, c * t);
      }
  }
  std::vector<double> norms(n);
  for (size_t j = 0; j < n; j++) norms[j] = std::sqrt(dot(a.column(j), a.column(j), a.rows));
  std::vector<size_t> order = sorted(norms, true);
  SingularValues result{permuted(a, order), permuted(v, order), std::vector<double>(n), sweep};
  size_t rank = 0;
  for (size_t j = 0; j < n; j++) {
    result.s[j] = norms[order[j]];
    // Below the rounding of the largest, the direction of a column is noise.
    if (result.s[j] <= 1e-14 * result.s[0] || result.s[j] == 0) continue;
    rank = j + 1;
    for (size_t i = 0; i < a.rows; i++) result.u.at(i, j) /= result.s[j];
  }
  complete_basis(result.u, rank, n);
  return result;
}

std::vector<double> decompose_symmetric(Matrix& a) {
  size_t n = a.rows;
  Matrix v = identity(n);
  double scale = std::sqrt(dot(a.values.data(), a.values.data(), a.values.size()));
  for (int sweep = 0; sweep < 60; sweep++) {
    bool rotated = false;
    for (size_t p = 0; p + 1 < n; p++)
      for (size_t q = p + 1; q < n; q++) {
        double gamma = a.at(p, q);
        if (std::fabs(gamma) <= 1e-17 * scale) continue;
        rotated = true;
        double app = a.at(p, p), aqq = a.at(q, q);
        double t = tangent((aqq - app) / (2 * gamma)), c = 1 / std::hypot(1.0, t);
        rotate(a.column(p), a.column(q), n, c, c * t);
        // The rows follow by symmetry; the block of the two is known in closed form.
        for (size_t i = 0; i < n; i++) a.at(p, i) = a.column(p)[i], a.at(q, i) = a.column(q)[i];
        a.at(p, p) = app - t * gamma;
        a.at(q, q) = aqq + t * gamma;
        a.at(p, q) = a.at(q, p) = 0;
        rotate(v.column(p), v.column(q), n, c, c * t);
      }
    if (!rotated) break;
  }
  std::vector<double> values(n), rising(n);
  for (size_t i = 0; i < n; i++) values[i] = a.at(i, i);
  std::vector<size_t> order = sorted(values, false);
  for (size_t i = 0; i < n; i++) rising[i] = values[order[i]];
  a = permuted(v, order);
  return rising;
}
}  // namespace api

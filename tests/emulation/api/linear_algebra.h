// Plain decompositions in double, column-major: what the emulated cuBLAS and cuSOLVER compute with.
#pragma once
#include <cstddef>
#include <vector>

namespace api {
// Columns of length 'rows', one after another.
struct Matrix {
  size_t rows, columns;
  std::vector<double> values;
  Matrix(size_t rows, size_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  double* column(size_t j) { return &values[j * rows]; }
  double& at(size_t i, size_t j) { return values[j * rows + i]; }
};

// c += a b, with a: [m, k], b: [k, n].
void multiply(Matrix& a, Matrix& b, Matrix& c);

// a = u diag(s) v', by one-sided Jacobi rotations, for rows >= columns. u: [rows, columns] with orthonormal columns, also where s is 0;
// v: [columns, columns]; s falls.
struct SingularValues {
  Matrix u, v;
  std::vector<double> s;
  int sweeps;
};
SingularValues decompose(Matrix a, double tolerance, int sweeps);
// Adds orthonormal columns up to 'columns'.
void complete_basis(Matrix& u, size_t from, size_t columns);

// a = v diag(w) v' for a symmetric a, by cyclic Jacobi rotations; w rises and v replaces a.
std::vector<double> decompose_symmetric(Matrix& a);
}  // namespace api

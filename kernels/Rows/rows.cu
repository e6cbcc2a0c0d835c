#include "prelude.cuh"

// Rows picked by index, and their gradients put back. An index out of range is left out and reported: the host throws when it waits.
// budget: gather_rows=40 scatter_add_rows=40

// x: [rows, units], y: [count, units] in units of 1, 4 or 16 bytes.
template <class U> DEV void gather_rows(const U* x, i64 rows, const int* index, U* y, i64 count, i64 units, int* faults) {
  for (i64 i = thread_index(); i < count * units; i += thread_count()) {
    i64 row = quotient(i, units), unit = i - row * units;
    int from = index[row];
    if (from >= 0 && from < rows)
      y[i] = x[from * units + unit];
    else if (unit == 0)
      report_fault(faults, kRowOutOfRange, from, row, rows);
  }
}

#define INSTANTIATE_UNIT(U, S) \
  KERNEL(256) gather_rows_##S(const U* x, i64 rows, const int* index, U* y, i64 count, i64 units, int* faults) { gather_rows<U>(x, rows, index, y, count, units, faults); } \
  KERNEL_EXPORT(gather_rows_##S)

INSTANTIATE_UNIT(u8, b8)
INSTANTIATE_UNIT(u32, b32)
INSTANTIATE_UNIT(uint4, b128)

// sum[index[r]] += dy[r] in the order of r. A thread owns a column of the rows that are its block's in gridDim.y, so that no two add
// to one place; all of them read the whole index.
template <class T> DEV void scatter_add_rows(const T* dy, const int* index, i64 count, T* sum, i64 rows, i64 columns, int* faults) {
  i64 column = thread_index();
  for (i64 r = 0; r < count; r++) {
    int to = index[r];
    if (to < 0 || to >= rows) {
      if (column == 0 && blockIdx.y == 0) report_fault(faults, kRowOutOfRange, to, r, rows);
    } else if (to % gridDim.y == blockIdx.y && column < columns) {
      T* s = sum + to * columns + column;
      *s = narrow<T>(widen(*s) + widen(dy[r * columns + column]));
    }
  }
}

#define INSTANTIATE(T, S) \
  KERNEL(256) scatter_add_rows_##S(const T* dy, const int* index, i64 count, T* sum, i64 rows, i64 columns, int* faults) { scatter_add_rows<T>(dy, index, count, sum, rows, columns, faults); } \
  KERNEL_EXPORT(scatter_add_rows_##S)

INSTANTIATE(float, f32)
INSTANTIATE(bf16, bf16)
INSTANTIATE(double, f64)

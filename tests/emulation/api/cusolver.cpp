// The part of dense cuSOLVER that the product calls: SVD by Jacobi rotations under both names, and symmetric eigenvalues.
#include <cctype>
#include <cstring>

#include "library_handle.h"
#include "linear_algebra.h"

using namespace api;

namespace {
enum { kSuccess = 0, kNotInitialised = 1, kInvalidValue = 3, kExecutionFailed = 6 };
std::set<LibraryHandle*> handles;

struct JacobiParameters {
  double tolerance = 1e-15;
  int most_sweeps = 100, sweeps = 0;
};
std::set<JacobiParameters*> parameter_sets;

Matrix read(const double* p, size_t rows, size_t columns, size_t leading) {
  Matrix m(rows, columns);
  for (size_t j = 0; j < columns; j++) memcpy(m.column(j), p + j * leading, rows * sizeof(double));
  return m;
}

void write(Matrix& m, size_t columns, double* p, size_t leading) {
  for (size_t j = 0; j < columns; j++) memcpy(p + j * leading, m.column(j), m.rows * sizeof(double));
}

Matrix transposed(Matrix& m) {
  Matrix t(m.columns, m.rows);
  for (size_t j = 0; j < m.columns; j++)
    for (size_t i = 0; i < m.rows; i++) t.at(j, i) = m.at(i, j);
  return t;
}

// With more columns where all of them are wanted.
Matrix widened(const Matrix& u, size_t columns) {
  Matrix wide(u.rows, columns);
  std::copy(u.values.begin(), u.values.end(), wide.values.begin());
  complete_basis(wide, u.columns, columns);
  return wide;
}

struct Argument {
  const void* p;
  size_t rows, columns, leading;
};

CUresult check(const Context& context, const char* name, std::initializer_list<Argument> arguments, const int* info) {
  bool valid = is_on_device(context, info, 1, 1, 1, sizeof(int));
  for (const Argument& x : arguments) valid = valid && is_on_device(context, x.p, x.rows, x.columns, x.leading, sizeof(double));
  if (valid) return CUDA_SUCCESS;
  coh::report_host("%s: an argument is not in device memory whole", name);
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}
}  // namespace

#define CUSOLVER_CALL(pointer)                                        \
  Call call(__func__, Call::Nothing);                                 \
  if (call.result() != 0) return call.result();                       \
  LibraryHandle* self = find_handle(handles, pointer);                \
  if (self == nullptr) return kNotInitialised;                        \
  if (self->context->failed != CUDA_SUCCESS) return kExecutionFailed

EXPORT int cusolverGetVersion(int* version) {
  if (version == nullptr) return kInvalidValue;
  *version = 11600;
  return kSuccess;
}

EXPORT int cusolverDnCreate(void** handle) {
  Call call(__func__, Call::Nothing);
  if (call.result() != 0) return call.result();
  Context* context = current_context();
  if (handle == nullptr) return kInvalidValue;
  if (context == nullptr || context->failed != CUDA_SUCCESS) return kNotInitialised;
  auto* made = new LibraryHandle{context, &context->legacy};
  handles.insert(made);
  *handle = made;
  return kSuccess;
}

EXPORT int cusolverDnDestroy(void* handle) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  LibraryHandle* self = find_handle(handles, handle);
  if (self == nullptr) return kNotInitialised;
  handles.erase(self);
  delete self;
  return kSuccess;
}

EXPORT int cusolverDnSetStream(void* handle, void* stream) {
  CUSOLVER_CALL(handle);
  Stream* found = find_stream(*self->context, stream);
  if (found == nullptr) return kInvalidValue;
  self->stream = found;
  return kSuccess;
}

EXPORT int cusolverDnDgesvd_bufferSize(void* handle, int m, int n, int* size) {
  CUSOLVER_CALL(handle);
  if (m < n || n < 0 || size == nullptr) return kInvalidValue;  // as the real one: no fewer rows than columns
  *size = 4 * (m + n) + 1;
  return kSuccess;
}

EXPORT int cusolverDnDgesvd(void* handle, signed char job_u, signed char job_vt, int m, int n, double* a, int leading_a, double* s, double* u,
                            int leading_u, double* vt, int leading_vt, double* work, int work_size, double*, int* info) {
  CUSOLVER_CALL(handle);
  job_u = static_cast<signed char>(toupper(job_u)), job_vt = static_cast<signed char>(toupper(job_vt));
  auto is_job = [](char job) { return job == 'A' || job == 'S' || job == 'N'; };
  if (m < n || n < 0 || leading_a < std::max(1, m) || !is_job(job_u) || !is_job(job_vt) || work_size < 4 * (m + n) + 1) return kInvalidValue;
  if ((job_u != 'N' && leading_u < std::max(1, m)) || (job_vt != 'N' && leading_vt < std::max(1, n))) return kInvalidValue;
  size_t rows = static_cast<size_t>(m), columns = static_cast<size_t>(n), u_columns = job_u == 'A' ? rows : job_u == 'S' ? columns : 0;
  size_t stride = static_cast<size_t>(leading_a), u_stride = static_cast<size_t>(leading_u), vt_stride = static_cast<size_t>(leading_vt);
  size_t vt_columns = job_vt == 'N' ? 0 : columns;
  const Context* context = self->context;
  return submit(*self->stream, [=] {
    CUresult result = check(*context, "cusolverDnDgesvd", {{a, rows, columns, stride}, {s, columns, 1, columns}, {u, rows, u_columns, u_stride},
                            {vt, vt_columns, columns, vt_stride}, {work, static_cast<size_t>(work_size), 1, 1}}, info);
    if (result != CUDA_SUCCESS) return result;
    SingularValues svd = decompose(read(a, rows, columns, stride), 1e-15, 100);
    memcpy(s, svd.s.data(), columns * sizeof(double));
    Matrix left = widened(svd.u, std::max(u_columns, columns)), right = transposed(svd.v);
    if (u_columns > 0) write(left, u_columns, u, u_stride);
    if (vt_columns > 0) write(right, columns, vt, vt_stride);
    for (size_t j = 0; j < columns; j++) memset(a + j * stride, 0xFF, rows * sizeof(double));  // destroyed, as the real one may
    *info = 0;
    return static_cast<CUresult>(CUDA_SUCCESS);
  }) == CUDA_SUCCESS ? kSuccess : kExecutionFailed;
}

EXPORT int cusolverDnCreateGesvdjInfo(void** parameters) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  if (parameters == nullptr) return kInvalidValue;
  auto* made = new JacobiParameters;
  parameter_sets.insert(made);
  *parameters = made;
  return kSuccess;
}

#define FIND_PARAMETERS(pointer)                                      \
  std::lock_guard<std::recursive_mutex> parameters_guard(lock);       \
  auto* settings = static_cast<JacobiParameters*>(pointer);           \
  if (parameter_sets.count(settings) == 0) return kInvalidValue

EXPORT int cusolverDnDestroyGesvdjInfo(void* parameters) {
  FIND_PARAMETERS(parameters);
  parameter_sets.erase(settings);
  delete settings;
  return kSuccess;
}

EXPORT int cusolverDnXgesvdjSetTolerance(void* parameters, double tolerance) {
  FIND_PARAMETERS(parameters);
  settings->tolerance = tolerance;
  return kSuccess;
}

EXPORT int cusolverDnXgesvdjSetMaxSweeps(void* parameters, int sweeps) {
  FIND_PARAMETERS(parameters);
  settings->most_sweeps = sweeps;
  return kSuccess;
}

EXPORT int cusolverDnXgesvdjGetSweeps(void* handle, void* parameters, int* sweeps) {
  CUSOLVER_CALL(handle);
  FIND_PARAMETERS(parameters);
  if (sweeps == nullptr) return kInvalidValue;
  wait(*self->context);
  *sweeps = settings->sweeps;
  return kSuccess;
}

EXPORT int cusolverDnDgesvdj_bufferSize(void* handle, int jobz, int econ, int m, int n, const double*, int, const double*, const double*, int,
                                        const double*, int, int* size, void* parameters) {
  CUSOLVER_CALL(handle);
  FIND_PARAMETERS(parameters);
  if (m < 0 || n < 0 || size == nullptr || jobz < 0 || jobz > 1 || econ < 0 || econ > 1) return kInvalidValue;
  *size = 4 * (m + n) + 2;
  return kSuccess;
}

EXPORT int cusolverDnDgesvdj(void* handle, int jobz, int econ, int m, int n, double* a, int leading_a, double* s, double* u, int leading_u, double* v,
                             int leading_v, double* work, int work_size, int* info, void* parameters) {
  CUSOLVER_CALL(handle);
  FIND_PARAMETERS(parameters);
  if (m < 0 || n < 0 || leading_a < std::max(1, m) || jobz < 0 || jobz > 1 || econ < 0 || econ > 1 || work_size < 4 * (m + n) + 2) return kInvalidValue;
  if (jobz == 1 && (leading_u < std::max(1, m) || leading_v < std::max(1, n))) return kInvalidValue;
  size_t rows = static_cast<size_t>(m), columns = static_cast<size_t>(n), least = std::min(rows, columns);
  size_t u_columns = jobz == 0 ? 0 : econ == 1 ? least : rows, v_columns = jobz == 0 ? 0 : econ == 1 ? least : columns;
  size_t stride = static_cast<size_t>(leading_a), u_stride = static_cast<size_t>(leading_u), v_stride = static_cast<size_t>(leading_v);
  const Context* context = self->context;
  return submit(*self->stream, [=] {
    CUresult result = check(*context, "cusolverDnDgesvdj", {{a, rows, columns, stride}, {s, least, 1, least}, {u, rows, u_columns, u_stride},
                            {v, columns, v_columns, v_stride}, {work, static_cast<size_t>(work_size), 1, 1}}, info);
    if (result != CUDA_SUCCESS) return result;
    Matrix matrix = read(a, rows, columns, stride);
    bool wide = columns > rows;
    SingularValues svd = decompose(wide ? transposed(matrix) : matrix, settings->tolerance, settings->most_sweeps);
    settings->sweeps = svd.sweeps;
    memcpy(s, svd.s.data(), least * sizeof(double));
    Matrix left = widened(wide ? svd.v : svd.u, std::max(u_columns, least)), right = widened(wide ? svd.u : svd.v, std::max(v_columns, least));
    if (u_columns > 0) write(left, u_columns, u, u_stride);
    if (v_columns > 0) write(right, v_columns, v, v_stride);
    for (size_t j = 0; j < columns; j++) memset(a + j * stride, 0xFF, rows * sizeof(double));
    *info = svd.sweeps < settings->most_sweeps ? 0 : static_cast<int>(least) + 1;  // not converged
    return static_cast<CUresult>(CUDA_SUCCESS);
  }) == CUDA_SUCCESS ? kSuccess : kExecutionFailed;
}

EXPORT int cusolverDnDsyevd_bufferSize(void* handle, int jobz, int uplo, int n, const double*, int leading, const double*, int* size) {
  CUSOLVER_CALL(handle);
  if (n < 0 || leading < std::max(1, n) || size == nullptr || jobz < 0 || jobz > 1 || uplo < 0 || uplo > 1) return kInvalidValue;
  *size = 2 * n * n + 6 * n + 1;
  return kSuccess;
}

EXPORT int cusolverDnDsyevd(void* handle, int jobz, int uplo, int n, double* a, int leading, double* w, double* work, int work_size, int* info) {
  CUSOLVER_CALL(handle);
  if (n < 0 || leading < std::max(1, n) || jobz < 0 || jobz > 1 || uplo < 0 || uplo > 1 || work_size < 2 * n * n + 6 * n + 1) return kInvalidValue;
  size_t size = static_cast<size_t>(n), stride = static_cast<size_t>(leading);
  const Context* context = self->context;
  return submit(*self->stream, [=] {
    CUresult result = check(*context, "cusolverDnDsyevd", {{a, size, size, stride}, {w, size, 1, size}, {work, static_cast<size_t>(work_size), 1, 1}}, info);
    if (result != CUDA_SUCCESS) return result;
    Matrix matrix = read(a, size, size, stride);
    // Only one triangle counts: 0 is the lower, 1 the upper.
    for (size_t j = 0; j < size; j++)
      for (size_t i = 0; i < j; i++)
        if (uplo == 0) matrix.at(i, j) = matrix.at(j, i);
        else matrix.at(j, i) = matrix.at(i, j);
    std::vector<double> values = decompose_symmetric(matrix);
    memcpy(w, values.data(), size * sizeof(double));
    if (jobz == 1) write(matrix, size, a, stride);
    else
      for (size_t j = 0; j < size; j++) memset(a + j * stride, 0xFF, size * sizeof(double));
    *info = 0;
    return static_cast<CUresult>(CUDA_SUCCESS);
  }) == CUDA_SUCCESS ? kSuccess : kExecutionFailed;
}

// The part of cuBLAS that the product calls. Products are summed in double and rounded once; built with --device-rounding, those of
// float32 and bfloat16 are summed in float32, one after the other, as no cuBLAS does worse.
#include <cmath>
#include <cstring>

#include "library_handle.h"
#include "linear_algebra.h"

using namespace api;

namespace {
enum { kSuccess = 0, kNotInitialised = 1, kInvalidValue = 7, kExecutionFailed = 13, kNotSupported = 15 };
enum { kF32 = 0, kF64 = 1, kBF16 = 14 };                                            // cudaDataType
enum { kCompute32 = 68, kCompute32Pedantic = 69, kCompute64 = 70, kCompute32Tf32 = 77 };  // cublasComputeType_t
std::set<LibraryHandle*> handles;

size_t element_size(int type) { return type == kF64 ? 8 : type == kF32 ? 4 : 2; }

double load(const char* p, int type) {
  if (type == kF64) return *reinterpret_cast<const double*>(p);
  if (type == kF32) return *reinterpret_cast<const float*>(p);
  uint32_t bits = static_cast<uint32_t>(*reinterpret_cast<const uint16_t*>(p)) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void store(char* p, int type, double value) {
  if (type == kF64) {
    *reinterpret_cast<double*>(p) = value;
  } else if (type == kF32) {
    *reinterpret_cast<float*>(p) = static_cast<float>(value);
  } else {
    float single = static_cast<float>(value);
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    *reinterpret_cast<uint16_t*>(p) = static_cast<uint16_t>(nan ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
}

// c = a b as the compute type sums it.
void multiply_as(Matrix& a, Matrix& b, Matrix& c, bool doubles) {
#ifdef COH_NOISE
  if (!doubles) {
    for (size_t i = 0; i < c.rows; i++)
      for (size_t j = 0; j < c.columns; j++) {
        float sum = 0;
        for (size_t k = 0; k < a.columns; k++) sum = std::fma(static_cast<float>(a.at(i, k)), static_cast<float>(b.at(k, j)), sum);
        c.at(i, j) = sum;
      }
    return;
  }
#else
  (void)doubles;
#endif
  multiply(a, b, c);
}

struct Operand {
  char* p;
  int type;
  size_t rows, columns;  // as stored
  size_t leading;
  long long stride;
  bool transposed;
};

Matrix read(const Operand& x, long long index) {
  Matrix m(x.transposed ? x.columns : x.rows, x.transposed ? x.rows : x.columns);
  const char* from = x.p + index * x.stride * static_cast<long long>(element_size(x.type));
  for (size_t j = 0; j < x.columns; j++)
    for (size_t i = 0; i < x.rows; i++) {
      double value = load(from + (j * x.leading + i) * element_size(x.type), x.type);
      if (x.transposed) m.at(j, i) = value;
      else m.at(i, j) = value;
    }
  return m;
}

bool is_valid(const Context& context, const Operand& x, int batch) {
  for (long long b : {0LL, batch - 1LL})
    if (!is_on_device(context, x.p + b * x.stride * static_cast<long long>(element_size(x.type)), x.rows, x.columns, x.leading, element_size(x.type))) return false;
  return true;
}
}  // namespace

#define CUBLAS_CALL(pointer)                                          \
  Call call(__func__, Call::Nothing);                                 \
  if (call.result() != 0) return call.result();                       \
  LibraryHandle* self = find_handle(handles, pointer);                \
  if (self == nullptr) return kNotInitialised;                        \
  if (self->context->failed != CUDA_SUCCESS) return kExecutionFailed

EXPORT int cublasCreate_v2(void** handle) {
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

EXPORT int cublasDestroy_v2(void* handle) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  LibraryHandle* self = find_handle(handles, handle);
  if (self == nullptr) return kNotInitialised;
  handles.erase(self);
  delete self;
  return kSuccess;
}

EXPORT int cublasGetVersion_v2(void* handle, int* version) {
  CUBLAS_CALL(handle);
  if (version == nullptr) return kInvalidValue;
  *version = 120400;
  return kSuccess;
}

EXPORT int cublasSetStream_v2(void* handle, void* stream) {
  CUBLAS_CALL(handle);
  Stream* found = find_stream(*self->context, stream);
  if (found == nullptr) return kInvalidValue;
  self->stream = found;
  return kSuccess;
}

EXPORT int cublasSetWorkspace_v2(void* handle, void* workspace, size_t bytes) {
  CUBLAS_CALL(handle);
  if (reinterpret_cast<uintptr_t>(workspace) % 256 != 0 || !is_on_device(*self->context, workspace, bytes, 1, bytes, 1)) return kInvalidValue;
  return kSuccess;
}

EXPORT int cublasSetMathMode(void* handle, int mode) {
  CUBLAS_CALL(handle);
  return mode >= 0 ? kSuccess : kInvalidValue;
}

EXPORT int cublasGemmStridedBatchedEx(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const void* alpha, const void* a, int type_a,
                                      int leading_a, long long stride_a, const void* b, int type_b, int leading_b, long long stride_b,
                                      const void* beta, void* c, int type_c, int leading_c, long long stride_c, int batch, int compute, int) {
  CUBLAS_CALL(handle);
  if (m < 0 || n < 0 || k < 0 || batch < 0 || transpose_a < 0 || transpose_a > 1 || transpose_b < 0 || transpose_b > 1) return kInvalidValue;
  if (leading_a < std::max(1, transpose_a ? k : m) || leading_b < std::max(1, transpose_b ? n : k) || leading_c < std::max(1, m)) return kInvalidValue;
  if (alpha == nullptr || beta == nullptr) return kInvalidValue;
  bool doubles = compute == kCompute64, floats = compute == kCompute32 || compute == kCompute32Pedantic || compute == kCompute32Tf32;
  bool types = doubles ? type_a == kF64 && type_b == kF64 && type_c == kF64
                       : floats && type_a == type_b && (type_a == kF32 || type_a == kBF16) && (type_c == kF32 || (type_c == kBF16 && type_a == kBF16));
  if (!types) return kNotSupported;
  if (m == 0 || n == 0 || batch == 0) return kSuccess;
  double scale = load(static_cast<const char*>(alpha), doubles ? kF64 : kF32), keep = load(static_cast<const char*>(beta), doubles ? kF64 : kF32);
  auto size = [](int v) { return static_cast<size_t>(v); };
  Operand x{const_cast<char*>(static_cast<const char*>(a)), type_a, size(transpose_a ? k : m), size(transpose_a ? m : k), size(leading_a), stride_a, transpose_a == 1};
  Operand y{const_cast<char*>(static_cast<const char*>(b)), type_b, size(transpose_b ? n : k), size(transpose_b ? k : n), size(leading_b), stride_b, transpose_b == 1};
  Operand z{static_cast<char*>(c), type_c, size(m), size(n), size(leading_c), stride_c, false};
  const Context* context = self->context;
  return submit(*self->stream, [=] {
    if (!is_valid(*context, x, batch) || !is_valid(*context, y, batch) || !is_valid(*context, z, batch)) {
      coh::report_host("cublasGemmStridedBatchedEx: an operand of [%d, %d, %d] x %d is not in device memory whole", m, n, k, batch);
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    for (int i = 0; i < batch; i++) {
      Matrix left = read(x, i), right = read(y, i), product(z.rows, z.columns);
      multiply_as(left, right, product, doubles);
      char* out = z.p + i * z.stride * static_cast<long long>(element_size(z.type));
      for (size_t column = 0; column < z.columns; column++)
        for (size_t row = 0; row < z.rows; row++) {
          char* p = out + (column * z.leading + row) * element_size(z.type);
          store(p, z.type, scale * product.at(row, column) + (keep == 0 ? 0 : keep * load(p, z.type)));
        }
    }
    return CUDA_SUCCESS;
  }) == CUDA_SUCCESS ? kSuccess : kExecutionFailed;
}
